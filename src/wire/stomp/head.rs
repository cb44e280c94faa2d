//! The headers of a frame while they are read, line by line, within bounds.
//! Which of them a frame must have is judged in `request`.

use super::{Bounds, Broken, Version, escape::unescape, frame::find};

/// Headers so far; of a name that repeats only the first one is kept, and every line counts.
#[derive(Debug, Default)]
pub(super) struct Head {
    headers: Vec<(String, String)>,
    lines: usize,
    bytes: usize,
}

/// What makes a name and a value of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rules {
    /// Nothing: there are no escapes.
    AsItStands,
    /// The escapes of a version. Clients of 1.0 pad their headers, as its examples do, and so these are trimmed; later
    /// versions forbid that.
    Of(Version),
}

impl Head {
    /// Adds a line that has no end any more.
    pub(super) fn add(&mut self, line: &[u8], bounds: &Bounds, rules: Rules) -> Result<(), Broken> {
        self.lines += 1;
        self.bytes += line.len();
        if self.lines > bounds.headers {
            return Err(Broken::too_large(format!("a frame may have {} headers", bounds.headers)));
        }
        if self.bytes > bounds.head_bytes {
            let most = bounds.head_bytes;
            return Err(Broken::too_large(format!("the headers of a frame may have {most} bytes together")));
        }
        let (name, value) = parse(line, rules)?;
        if self.find(&name).is_none() {
            self.headers.push((name, value));
        }
        Ok(())
    }

    /// A header's value.
    pub(super) fn find(&self, name: &str) -> Option<&str> {
        find(&self.headers, name)
    }

    /// How long the body says it is; what no number can hold is too long for every bound.
    pub(super) fn content_length(&self) -> Result<Option<usize>, Broken> {
        let Some(length) = self.find("content-length").map(|length| length.trim_matches(' ')) else {
            return Ok(None);
        };
        if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(Broken::malformed("content-length must be a whole number"));
        }
        Ok(Some(length.parse().unwrap_or(usize::MAX)))
    }

    /// Hands over the headers.
    pub(super) fn take(&mut self) -> Vec<(String, String)> {
        std::mem::take(self).headers
    }

    /// Bytes of memory that they take.
    pub(super) fn held(&self) -> usize {
        let texts = self.headers.iter().map(|(name, value)| name.capacity() + value.capacity());
        self.headers.capacity() * size_of::<(String, String)>() + texts.sum::<usize>()
    }
}

fn parse(line: &[u8], rules: Rules) -> Result<(String, String), Broken> {
    let line = str::from_utf8(line).map_err(|_| Broken::malformed("headers must be UTF-8"))?;
    let (name, value) =
        line.split_once(':').ok_or_else(|| Broken::malformed("a header must have a colon"))?;
    let (name, value, version) = match rules {
        Rules::AsItStands => (name, value, Version::V1_0),
        Rules::Of(Version::V1_0) => (name.trim_matches(' '), value.trim_matches(' '), Version::V1_0),
        Rules::Of(version) => (name, value, version),
    };
    if name.is_empty() {
        return Err(Broken::malformed("a header must have a name"));
    }
    if version == Version::V1_2 && line.contains('\r') {
        return Err(Broken::malformed("a carriage return in a header must be escaped"));
    }
    let plain = |text: &str| {
        let undefined = || format!("a header has an escape that STOMP {version} does not define");
        unescape(text, version).ok_or_else(|| Broken::malformed(undefined()))
    };
    Ok((plain(name)?, plain(value)?))
}
