//! A STOMP frame as a client writes and reads it, by version. An independent reading of the specification.
//! What a frame means is the tests' business.

use serde_json::Value;

/// Every version, the oldest first.
pub(crate) const VERSIONS: [&str; 3] = ["1.0", "1.1", "1.2"];

/// The versions with escapes, heart-beats and NACK.
pub(crate) const LATER: [&str; 2] = ["1.1", "1.2"];

/// One frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) command: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Frame {
    /// A header's value, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.find(name).unwrap_or_default()
    }

    /// A header's value; the first one counts.
    pub(crate) fn find(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The number in a header.
    pub(crate) fn number(&self, name: &str) -> u64 {
        self.header(name).parse().unwrap_or_else(|_| panic!("no number in {name} of {self:?}"))
    }

    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `<epoch>:<seq>` of a MESSAGE.
    pub(crate) fn position(&self) -> String {
        format!("{}:{}", self.header("epoch"), self.number("seq"))
    }
}

/// The text of a frame, its NUL included. CONNECT is escaped in no version.
pub(crate) fn written(version: &str, command: &str, headers: &[(&str, &str)], body: &str) -> String {
    let mut text = format!("{command}\n");
    let escapes = !["CONNECT", "STOMP"].contains(&command);
    for (name, value) in headers {
        let [name, value] =
            [name, value].map(|part| if escapes { escaped(version, part) } else { part.to_string() });
        text.push_str(&format!("{name}:{value}\n"));
    }
    if !body.is_empty() {
        text.push_str(&format!("content-length:{}\n", body.len()));
    }
    text + "\n" + body + "\0"
}

fn escaped(version: &str, text: &str) -> String {
    match version {
        "1.0" => text.to_owned(),
        "1.1" => text.replace('\\', "\\\\").replace('\n', "\\n").replace(':', "\\c"),
        _ => escaped("1.1", text).replace('\r', "\\r"),
    }
}

fn unescaped(version: &str, text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\\' || version == "1.0" {
            plain.push(character);
            continue;
        }
        plain.push(match (characters.next(), version) {
            (Some('n'), _) => '\n',
            (Some('c'), _) => ':',
            (Some('\\'), _) => '\\',
            (Some('r'), "1.2") => '\r',
            other => panic!("{version} does not define the escape {other:?} in {text:?}"),
        });
    }
    plain
}

/// What the front of a buffer holds.
#[derive(Debug)]
pub(super) enum Item {
    /// A frame.
    Frame(Frame),
    /// An end of a line between frames.
    Beat,
}

/// Takes the next item off the front of `buffer`, if it is whole. Panics where the server breaks the protocol.
pub(super) fn take(buffer: &mut Vec<u8>, version: &str) -> Option<Item> {
    if buffer.first() == Some(&b'\n') {
        buffer.remove(0);
        return Some(Item::Beat);
    }
    let head_end = buffer.windows(2).position(|pair| pair == b"\n\n")?;
    let head = String::from_utf8(buffer[..head_end].to_vec()).unwrap();
    let mut lines = head.split('\n');
    let command = lines.next().unwrap().to_owned();
    assert!(["CONNECTED", "MESSAGE", "RECEIPT", "ERROR"].contains(&command.as_str()), "{head:?}");
    let version = if command == "CONNECTED" { "1.0" } else { version };
    let headers: Vec<(String, String)> = lines
        .map(|line| line.split_once(':').unwrap_or_else(|| panic!("no colon in {line:?} of {head:?}")))
        .map(|(name, value)| (unescaped(version, name), unescaped(version, value)))
        .collect();
    let mut frame = Frame { command, headers, body: String::new() };
    let start = head_end + 2;
    let end = match frame.find("content-length") {
        Some(length) => start + length.parse::<usize>().unwrap(),
        None => start + buffer[start..].iter().position(|byte| *byte == 0)?,
    };
    let nul = *buffer.get(end)?;
    assert_eq!(nul, 0, "a frame does not end with NUL: {frame:?}");
    frame.body = String::from_utf8(buffer[start..end].to_vec()).unwrap();
    buffer.drain(..=end);
    Some(Item::Frame(frame))
}
