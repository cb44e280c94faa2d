//! SockJS frames: what a server says (`o`, `h`, `a[…]`, `c[…]`), and what clients send (an array of texts, or one).
//! What carries them is not known here, and what the texts mean is their protocol's business.

use std::fmt::{self, Write};

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use crate::domain::CloseCode;

/// Said once, when a session begins.
pub const OPEN: &str = "o";

/// A sign of life.
pub const HEARTBEAT: &str = "h";

/// Why a session ended, as its client is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Goodbye {
    number: u16,
    reason: &'static str,
}

impl Goodbye {
    /// The response in which the session was received broke off, so messages may be lost.
    pub const INTERRUPTED: Self = Self { number: 1002, reason: "Connection interrupted" };

    /// The session is being received already.
    pub const RECEIVED_ELSEWHERE: Self = Self { number: 2010, reason: "Another connection still open" };

    /// Its frame.
    pub fn frame(self) -> String {
        let mut frame = format!("c[{},", self.number);
        quote(&mut frame, self.reason, is_unsafe);
        frame.push(']');
        frame
    }
}

impl From<CloseCode> for Goodbye {
    fn from(code: CloseCode) -> Self {
        Self { number: code.number(), reason: code.name() }
    }
}

/// A frame of messages, as they come.
#[derive(Debug, Default)]
pub struct Messages(String);

impl Messages {
    /// Adds a message.
    pub fn push(&mut self, message: &str) {
        self.0.push_str(if self.0.is_empty() { "a[" } else { "," });
        quote(&mut self.0, message, is_unsafe);
    }

    /// The frame, if there are messages.
    pub fn frame(mut self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        self.0.push(']');
        Some(self.0)
    }
}

/// A frame as a JavaScript string that can stand in a script, also in one that stands in a page.
pub fn script_string(frame: &str) -> String {
    let mut text = String::with_capacity(frame.len() + frame.len() / 4);
    quote(&mut text, frame, |c| is_unsafe(c) || matches!(c, '<' | '>' | '&'));
    text
}

/// What a client sent is not an array of texts, nor a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the payload is no JSON array of texts")]
pub struct Broken;

/// The messages that a client sent.
///
/// # Errors
/// [`Broken`] when they cannot be read.
pub fn messages(payload: &str) -> Result<Vec<String>, Broken> {
    let sent: Sent = serde_json::from_str(payload).map_err(|_| Broken)?;
    Ok(sent.0)
}

struct Sent(Vec<String>);

impl<'de> Deserialize<'de> for Sent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl<'de> Visitor<'de> for Shape {
            type Value = Sent;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("texts")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Sent, E> {
                Ok(Sent(vec![text.to_owned()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut texts: A) -> Result<Sent, A::Error> {
                let mut sent = Vec::new();
                while let Some(Text(text)) = texts.next_element()? {
                    sent.push(text);
                }
                Ok(Sent(sent))
            }
        }
        deserializer.deserialize_any(Shape)
    }
}

/// A text of JavaScript, which may hold halves of characters; they are replaced.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Shape;
        impl Visitor<'_> for Shape {
            type Value = Text;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Text, E> {
                Ok(Text(String::from_utf8_lossy(bytes).into_owned()))
            }
        }
        // As bytes, for as text the decoder refuses a lone half.
        deserializer.deserialize_bytes(Shape)
    }
}

/// What some browser or proxy is known to spoil, or what would end a line of a script.
fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{200c}'..='\u{200f}' | '\u{2028}'..='\u{202f}'
        | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

/// Writes a JSON string in which everything that `escaped` names is written as an escape.
fn quote(into: &mut String, text: &str, escaped: impl Fn(char) -> bool) {
    into.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c| matches!(c, '"' | '\\') || escaped(c)) {
        into.push_str(&rest[..at]);
        let Some(c) = rest[at..].chars().next() else { break };
        escape(into, c);
        rest = &rest[at + c.len_utf8()..];
    }
    into.push_str(rest);
    into.push('"');
}

fn escape(into: &mut String, c: char) {
    match c {
        '"' => into.push_str("\\\""),
        '\\' => into.push_str("\\\\"),
        '\n' => into.push_str("\\n"),
        '\r' => into.push_str("\\r"),
        '\t' => into.push_str("\\t"),
        // Everything that is escaped fits into one unit of JavaScript.
        c => write!(into, "\\u{:04x}", u32::from(c)).expect("a string takes every write"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(texts: &[&str]) -> String {
        let mut messages = Messages::default();
        texts.iter().for_each(|text| messages.push(text));
        messages.frame().unwrap()
    }

    #[test]
    fn frames_are_as_the_protocol_has_them() {
        assert_eq!(frame(&["x"]), r#"a["x"]"#);
        assert_eq!(frame(&["", "\"a\"\\\n"]), r#"a["","\"a\"\\\n"]"#);
        assert!(Messages::default().frame().is_none());
        assert_eq!(Goodbye::INTERRUPTED.frame(), r#"c[1002,"Connection interrupted"]"#);
        assert_eq!(Goodbye::RECEIVED_ELSEWHERE.frame(), r#"c[2010,"Another connection still open"]"#);
        assert_eq!(Goodbye::from(CloseCode::GoAway).frame(), r#"c[3000,"Go away!"]"#);
        assert_eq!(Goodbye::from(CloseCode::TooSlow).frame(), r#"c[4001,"too_slow"]"#);
    }

    #[test]
    fn characters_that_are_spoiled_on_the_way_are_escaped() {
        let spoiled = ['\0', '\u{1f}', '\u{85}', '\u{200c}', '\u{2028}', '\u{206f}', '\u{feff}', '\u{ffff}'];
        for c in spoiled {
            assert_eq!(frame(&[&c.to_string()]), format!("a[\"\\u{:04x}\"]", u32::from(c)));
        }
        assert_eq!(frame(&["한 글 😀 ü </script>"]), "a[\"한 글 😀 ü </script>\"]");
        let script = script_string(&frame(&["</script>\u{2028}&"]));
        assert_eq!(script, r#""a[\"\u003c/script\u003e\\u2028\u0026\"]""#);
    }

    #[test]
    fn clients_send_texts_and_nothing_else() {
        assert_eq!(messages(r#"["a","b"]"#).unwrap(), ["a", "b"]);
        assert_eq!(messages(r#""one""#).unwrap(), ["one"]);
        assert!(messages("[]").unwrap().is_empty());
        for bad in ["", "[", "[\"x", "{}", "1", "null", "[1]", "[null]", "[[\"a\"]]", "[\"a\"]x", "[\"a\",]"]
        {
            assert_eq!(messages(bad), Err(Broken), "{bad}");
        }
    }

    #[test]
    fn halves_of_characters_do_not_break_a_session() {
        let sent = messages(r#"["\ud83d\ude00","a\ud83db"]"#).unwrap();
        assert_eq!(sent[0], "😀");
        assert!(sent[1].starts_with('a') && sent[1].ends_with('b') && sent[1].contains('\u{fffd}'));
    }

    proptest! {
        #[test]
        fn any_text_round_trips_through_both_escapings(texts in prop::collection::vec(any::<String>(), 1..8)) {
            let plain = frame(&texts.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert!(!plain.chars().any(is_unsafe));
            prop_assert_eq!(&messages(&plain[1..]).unwrap(), &texts);
            let script = script_string(&plain);
            prop_assert!(!script.contains(['<', '>']) && script.chars().all(|c| !is_unsafe(c)));
            let read: String = serde_json::from_str(&script).unwrap();
            prop_assert_eq!(read, plain);
        }

        #[test]
        fn garbage_never_panics(garbage in any::<String>(), json in "[\\[\\]{}\",a\\\\u0-9]{0,64}") {
            let _ = messages(&garbage);
            let _ = messages(&json);
        }
    }
}
