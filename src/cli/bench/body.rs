//! The text of a bench message: when it was sent, filled up to the wanted length.
//! The instant counts from the start of the run, so it means something only within one process.

use std::time::Duration;

/// A text of `bytes` bytes, or a few more if the instant alone is longer.
pub fn stamped(since: Duration, bytes: usize) -> String {
    let mut body = format!("{} ", since.as_nanos());
    while body.len() < bytes {
        body.push('x');
    }
    body
}

/// When a text was sent; `None` if it is none of ours.
pub fn sent_at(body: &str) -> Option<Duration> {
    let (nanoseconds, _) = body.split_once(' ')?;
    nanoseconds.parse().ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_has_its_length_and_gives_its_instant_back() {
        let since = Duration::from_nanos(12_345);
        assert_eq!(stamped(since, 200).len(), 200);
        assert_eq!(sent_at(&stamped(since, 200)), Some(since));
        assert_eq!(sent_at(&stamped(since, 0)), Some(since));
        assert_eq!(sent_at("hello world"), None);
    }
}
