//! The JSON that a client sends: a text, or a membership, in the words of its route.
//! Only the text and the type count; who sent it is known from the CONNECT.

use serde_json::{Map, Value};

use super::Route;
use crate::domain::{Code, Limits, MessageBody, Refusal};

/// What a client says in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A text.
    Message(MessageBody),
    /// That it becomes a member.
    Join,
    /// That it is one no more.
    Leave,
}

/// The fields of a payload that count only sometimes.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    route: &'a Route,
    fields: Map<String, Value>,
}

impl Fields<'_> {
    /// The room, for a destination that names none.
    pub(super) fn room(&self) -> Result<&str, Refusal> {
        text(&self.fields, &self.route.room, "room")
    }

    /// The nickname, if it is one at all.
    pub(super) fn sender(&self) -> Option<String> {
        self.fields.get(&*self.route.sender)?.as_str().map(str::to_owned)
    }
}

/// Reads a payload. Refusals name fields as Klatsch does, whatever the route calls them: `content`, `type`, `room`,
/// and `body` for a text that no room takes.
pub(super) fn said<'a>(
    route: &'a Route,
    payload: &[u8],
    limits: &Limits,
) -> Result<(Said, Fields<'a>), Refusal> {
    let fields = match serde_json::from_slice(payload) {
        Ok(Value::Object(fields)) => fields,
        Ok(_) => return Err(Refusal::new(Code::Malformed).message("the body must be a JSON object")),
        Err(error) => return Err(Refusal::new(Code::Malformed).message(format!("not JSON: {error}"))),
    };
    let said = match kind(route, &fields)? {
        Kind::Message => {
            Said::Message(MessageBody::parse(text(&fields, &route.content, "content")?, limits)?)
        }
        Kind::Join => Said::Join,
        Kind::Leave => Said::Leave,
    };
    Ok((said, Fields { route, fields }))
}

enum Kind {
    Message,
    Join,
    Leave,
}

fn kind(route: &Route, fields: &Map<String, Value>) -> Result<Kind, Refusal> {
    match fields.get(&*route.kind) {
        None | Some(Value::Null) => Ok(Kind::Message),
        Some(Value::String(kind)) if route.message.has(kind) => Ok(Kind::Message),
        Some(Value::String(kind)) if route.join.has(kind) => Ok(Kind::Join),
        Some(Value::String(kind)) if route.leave.has(kind) => Ok(Kind::Leave),
        Some(_) => {
            let [message, join, leave] =
                [&route.message, &route.join, &route.leave].map(|types| types.written());
            Err(invalid("type", format!("{} must be {message}, {join} or {leave}", route.kind)))
        }
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str, field: &'static str) -> Result<&'a str, Refusal> {
    match fields.get(name) {
        None | Some(Value::Null) => Err(invalid(field, format!("{name} is missing"))),
        Some(value) => value.as_str().ok_or_else(|| invalid(field, format!("{name} must be a string"))),
    }
}

fn invalid(field: &'static str, message: String) -> Refusal {
    Refusal::new(Code::Invalid).field(field).message(message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stomp::testbed::{legacy_route, route};

    fn read(payload: &[u8]) -> Result<Said, Refusal> {
        said(&route(), payload, &Limits::default()).map(|(said, _)| said)
    }

    #[test]
    fn only_content_and_type_are_read() {
        let hi = Said::Message(MessageBody::stored("hi"));
        for payload in [
            r#"{"content":"hi"}"#,
            r#"{"content":"hi","type":null}"#,
            r#"{"content":"hi","type":"CHAT","sender":7,"roomId":[],"timestamp":{},"x":1}"#,
            r#"{"content":"hi","type":"TALK"}"#,
        ] {
            assert_eq!(read(payload.as_bytes()).unwrap(), hi, "{payload}");
        }
        assert_eq!(read(br#"{"type":"JOIN","content":7}"#).unwrap(), Said::Join);
        assert_eq!(read(br#"{"type":"LEAVE"}"#).unwrap(), Said::Leave);
    }

    #[test]
    fn what_is_wrong_is_refused_with_its_field() {
        for (payload, field) in [
            ("{}", "content"),
            (r#"{"content":null}"#, "content"),
            (r#"{"content":7}"#, "content"),
            (r#"{"content":" "}"#, "body"),
            (r#"{"content":"hi","type":"chat"}"#, "type"),
            (r#"{"content":"hi","type":""}"#, "type"),
            (r#"{"content":"hi","type":1}"#, "type"),
        ] {
            let refusal = read(payload.as_bytes()).unwrap_err();
            assert_eq!((refusal.code, refusal.field), (Code::Invalid, Some(field)), "{payload}");
        }
        let deep = "[".repeat(100_000);
        for payload in [&b""[..], b"hi", b"[]", b"\"hi\"", b"{\"content\":\"\xff\"}", b"{", deep.as_bytes()] {
            assert_eq!(read(payload).unwrap_err().code, Code::Malformed);
        }
    }

    #[test]
    fn a_route_may_call_its_fields_otherwise() {
        let (route, limits) = (legacy_route(), Limits::default());
        let (said, fields) =
            said(&route, br#"{"roomId":"r1","nickname":"Ada","message":"hi","time":"now"}"#, &limits)
                .unwrap();
        assert_eq!(said, Said::Message(MessageBody::stored("hi")));
        assert_eq!((fields.room().unwrap(), fields.sender().as_deref()), ("r1", Some("Ada")));
    }
}
