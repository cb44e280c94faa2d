//! What somebody whom another issuer knows may be called here: as they like or, if that is taken, with a suffix that is
//! always the same for them.
//! Whether a nickname is taken is for the database to say.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest, Sha256};

use crate::domain::{Limits, Nickname};

/// Characters of the suffixes that are tried, one after the other.
const SUFFIXES: [usize; 3] = [4, 8, 16];

/// Nicknames to try in turn. They depend on who it is and nothing else.
pub(super) fn candidates(
    wanted: Option<&str>,
    issuer: &str,
    subject: &str,
    limits: &Limits,
) -> Vec<Nickname> {
    let base = wanted.and_then(|wanted| shortened(wanted, limits));
    let digest = Sha256::new().chain_update(issuer).chain_update([0]).chain_update(subject).finalize();
    let mark = BASE32_NOPAD.encode(&digest).to_lowercase();
    let suffixed = SUFFIXES.iter().filter_map(|chars| {
        let suffix = &mark[..*chars];
        let stem = base.as_ref().map_or("user", Nickname::as_str);
        let room = limits.nickname_chars.saturating_sub(chars + 1);
        let stem: String = stem.chars().take(room).collect();
        Nickname::parse(&format!("{}-{suffix}", stem.trim_end()), limits).ok()
    });
    base.clone().into_iter().chain(suffixed).collect()
}

/// A nickname out of what an issuer calls somebody, cut if it is too long; nothing if no nickname can have its characters.
fn shortened(wanted: &str, limits: &Limits) -> Option<Nickname> {
    let cut: String = wanted.trim().chars().take(limits.nickname_chars).collect();
    Nickname::parse(&cut, limits).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: Option<&str>, subject: &str, limits: &Limits) -> Vec<String> {
        candidates(wanted, "https://a", subject, limits).iter().map(|name| name.as_str().to_owned()).collect()
    }

    #[test]
    fn the_wish_comes_first_and_then_always_the_same_suffixes() {
        let limits = Limits::default();
        let ada = names(Some(" Ada "), "1", &limits);
        assert_eq!((ada.len(), ada[0].as_str()), (4, "Ada"));
        assert!(ada[1..].iter().all(|name| name.starts_with("Ada-")), "{ada:?}");
        assert_eq!(ada, names(Some("Ada"), "1", &limits));
        assert_ne!(ada[1..], names(Some("Ada"), "2", &limits)[1..]);
    }

    #[test]
    fn whatever_the_wish_and_the_bound_there_is_a_name() {
        for most in [1, 6, 20, 32, 128] {
            let limits = Limits { nickname_chars: most, ..Limits::default() };
            for wanted in [None, Some(""), Some("a\u{7}"), Some("\u{202e}"), Some(&*"가".repeat(300))] {
                let names = names(wanted, "1", &limits);
                assert!(names.iter().all(|name| name.chars().count() <= most), "{names:?}");
                assert!(most < 6 || !names.is_empty(), "{most} {wanted:?}");
            }
        }
    }
}
