//! The escapes that keep delimiters out of header names and values, by version.
//! Not applied to CONNECT, STOMP and CONNECTED, which no version escapes; the callers see to that.

use super::Version;

/// The text behind escapes; nothing where the version defines one of them not, which breaks the frame.
pub(super) fn unescape(text: &str, version: Version) -> Option<String> {
    if version == Version::V1_0 || !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        plain.push(match character {
            '\\' => match rest.next()? {
                'n' => '\n',
                'c' => ':',
                '\\' => '\\',
                'r' if version == Version::V1_2 => '\r',
                _ => return None,
            },
            plain => plain,
        });
    }
    Some(plain)
}

/// Adds a text with its escapes. No version can say U+0000, which is left out.
pub(super) fn escape_into(out: &mut String, text: &str, version: Version) {
    for character in text.chars() {
        match character {
            '\0' => {}
            '\n' if version > Version::V1_0 => out.push_str("\\n"),
            ':' if version > Version::V1_0 => out.push_str("\\c"),
            '\\' if version > Version::V1_0 => out.push_str("\\\\"),
            '\r' if version == Version::V1_2 => out.push_str("\\r"),
            plain => out.push(plain),
        }
    }
}

/// Whether a name or value can stand in a header of a version.
pub(super) fn can_say(name: &str, value: &str, version: Version) -> bool {
    let stands = |text: &str| !text.contains(['\n', '\r']);
    version > Version::V1_0 || stands(name) && !name.contains(':') && stands(value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn each_version_has_its_own_escapes() {
        let all = |text: &str| Version::ALL.map(|version| unescape(text, version));
        let some = |texts: [&str; 3]| texts.map(|text| Some(text.to_owned()));
        assert_eq!(all("a\\nb"), some(["a\\nb", "a\nb", "a\nb"]));
        assert_eq!(all("a\\cb"), some(["a\\cb", "a:b", "a:b"]));
        assert_eq!(all("a\\\\b"), some(["a\\\\b", "a\\b", "a\\b"]));
        assert_eq!(all("a\\rb"), [Some("a\\rb".to_owned()), None, Some("a\rb".to_owned())]);
        for undefined in ["\\t", "\\", "a\\", "\\N", "\\0", "\\ü"] {
            assert_eq!(all(undefined), [Some(undefined.to_owned()), None, None], "{undefined}");
        }
    }

    proptest! {
        #[test]
        fn what_is_escaped_comes_back(text in "[^\0]*", version in 1_usize..3) {
            let version = Version::ALL[version];
            let mut escaped = String::new();
            escape_into(&mut escaped, &text, version);
            prop_assert!(!escaped.contains(['\n', ':']));
            prop_assert!(version != Version::V1_2 || !escaped.contains('\r'));
            prop_assert_eq!(unescape(&escaped, version), Some(text));
        }
    }
}
