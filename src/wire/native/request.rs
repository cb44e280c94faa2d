//! Parsing of what a native client sends: first the envelope, then the request in it.
//! Nothing behind this file looks at a JSON value again.

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::domain::{
    ClientId, Code, Epoch, Limits, Message, MessageBody, Nickname, Position, Refusal, RoomId, Seq,
};

/// A client's own number or text for a request, kept as the JSON text that its reply repeats.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId(Arc<str>);

impl RequestId {
    /// The JSON text of the id.
    pub fn as_json(&self) -> &str {
        &self.0
    }
}

/// How a client says who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Connect {
    /// By a token that it was given.
    Token(String),
    /// As a guest of this nickname, repeatable where there is a secret.
    Guest {
        /// The nickname.
        nickname: Nickname,
        /// 16 to 64 characters that the client made up.
        secret: Option<String>,
    },
}

/// A room as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomRef(pub String);

/// What of the past a subscription starts with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Backlog {
    /// Nothing: only what comes.
    None,
    /// Everything after a position.
    After(Position),
    /// The newest records, this many.
    Last(Seq),
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Say who this is.
    Connect(Connect),
    /// Become a member, if not yet one, and get the room's records on this socket.
    Join {
        /// The room, by id or name.
        room: RoomRef,
        /// What of the past comes first.
        backlog: Backlog,
    },
    /// Say something in a room.
    Send {
        /// The room's id.
        room: RoomId,
        /// What.
        message: Message,
    },
    /// Be a member no more.
    Leave {
        /// The room's id.
        room: RoomId,
    },
    /// Get no more records on this socket, still a member.
    Part {
        /// The room's id.
        room: RoomId,
    },
    /// Get changes of the room list.
    WatchRooms,
    /// Get them no more.
    UnwatchRooms,
    /// Show a new token in the place of one that expires.
    Refresh {
        /// The token.
        token: String,
    },
    /// Ask for a sign of life.
    Ping,
}

/// A JSON object that came as a message, before its fields are judged.
#[derive(Debug)]
pub struct Envelope {
    fields: Map<String, Value>,
}

impl Envelope {
    /// Reads a text message.
    ///
    /// # Errors
    /// `malformed` when it is not JSON or not an object.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        match serde_json::from_str(text) {
            Ok(Value::Object(fields)) => Ok(Self { fields }),
            Ok(_) => Err(Refusal::new(Code::Malformed).message("a message must be a JSON object")),
            Err(error) => Err(Refusal::new(Code::Malformed).message(format!("not JSON: {error}"))),
        }
    }

    /// Whether somebody who has not said who they are may ask this.
    pub fn is_open_to_strangers(&self) -> bool {
        matches!(self.kind(), Ok("connect" | "ping"))
    }

    /// The request's id, if it has a valid one.
    ///
    /// # Errors
    /// `invalid`, field `id`, when it is neither number nor text.
    pub fn id(&self) -> Result<Option<RequestId>, Refusal> {
        match self.fields.get("id") {
            None => Ok(None),
            Some(id @ (Value::Number(_) | Value::String(_))) => Ok(Some(RequestId(id.to_string().into()))),
            Some(_) => Err(invalid("id", "id must be a number or a string")),
        }
    }

    /// The request.
    ///
    /// # Errors
    /// `unknown_type`, or `invalid` with the field that is missing or wrong.
    pub fn request(&self, limits: &Limits) -> Result<Request, Refusal> {
        match self.kind()? {
            "connect" => self.connect(limits).map(Request::Connect),
            "join" => {
                Ok(Request::Join { room: RoomRef(self.text("room")?.to_owned()), backlog: self.backlog()? })
            }
            "send" => self.send(limits),
            "leave" => Ok(Request::Leave { room: self.room()? }),
            "part" => Ok(Request::Part { room: self.room()? }),
            "watch" => self.what().map(|()| Request::WatchRooms),
            "unwatch" => self.what().map(|()| Request::UnwatchRooms),
            "refresh" => Ok(Request::Refresh { token: self.text("token")?.to_owned() }),
            "ping" => Ok(Request::Ping),
            other => {
                let shown: String = other.chars().take(40).collect();
                Err(Refusal::new(Code::UnknownType).message(format!("no request has the type '{shown}'")))
            }
        }
    }

    fn kind(&self) -> Result<&str, Refusal> {
        self.text("type")
    }

    fn connect(&self, limits: &Limits) -> Result<Connect, Refusal> {
        if let Some(token) = self.optional_text("token")? {
            return Ok(Connect::Token(token.to_owned()));
        }
        let nickname = Nickname::parse(self.text("nickname")?, limits)?;
        let secret = self.optional_text("secret")?.map(str::to_owned);
        Ok(Connect::Guest { nickname, secret })
    }

    fn send(&self, limits: &Limits) -> Result<Request, Refusal> {
        let room = self.room()?;
        let body = MessageBody::parse(self.text("body")?, limits)?;
        let client_id = self.optional_text("client_id")?.map(|id| ClientId::parse(id, limits)).transpose()?;
        Ok(Request::Send { room, message: Message::new(body, client_id) })
    }

    fn backlog(&self) -> Result<Backlog, Refusal> {
        match (self.optional("after"), self.optional("last")) {
            (None, None) => Ok(Backlog::None),
            (Some(_), Some(_)) => Err(invalid("last", "after and last cannot be given together")),
            (None, Some(last)) => {
                last.as_u64().map(Backlog::Last).ok_or_else(|| invalid("last", "last must be a whole number"))
            }
            (Some(after), None) => position(after).map(Backlog::After).ok_or_else(|| {
                invalid("after", r#"after must be a position: {"epoch": text, "seq": number}"#)
            }),
        }
    }

    fn what(&self) -> Result<(), Refusal> {
        match self.text("what")? {
            "rooms" => Ok(()),
            _ => Err(invalid("what", "only 'rooms' can be watched")),
        }
    }

    fn room(&self) -> Result<RoomId, Refusal> {
        RoomId::parse(self.text("room")?).ok_or_else(|| Code::RoomNotFound.into())
    }

    fn text(&self, field: &'static str) -> Result<&str, Refusal> {
        self.optional_text(field)?.ok_or_else(|| invalid(field, format!("{field} is missing")))
    }

    fn optional_text(&self, field: &'static str) -> Result<Option<&str>, Refusal> {
        self.optional(field)
            .map(|value| value.as_str().ok_or_else(|| invalid(field, format!("{field} must be a string"))))
            .transpose()
    }

    fn optional(&self, field: &str) -> Option<&Value> {
        self.fields.get(field).filter(|value| !value.is_null())
    }
}

fn position(value: &Value) -> Option<Position> {
    let epoch = value.get("epoch")?.as_str()?;
    let seq = value.get("seq")?.as_u64()?;
    Some(Position { epoch: Epoch::new(epoch), seq })
}

fn invalid(field: &'static str, message: impl Into<std::borrow::Cow<'static, str>>) -> Refusal {
    Refusal::new(Code::Invalid).field(field).message(message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(text: &str) -> Result<Request, Refusal> {
        Envelope::parse(text)?.request(&Limits::default())
    }

    #[test]
    fn requests_parse_and_ignore_what_they_do_not_know() {
        assert_eq!(request(r#"{"type":"ping","x":[1]}"#).unwrap(), Request::Ping);
        let join = request(r#"{"type":"join","room":"Lobby","after":{"epoch":"e","seq":3}}"#).unwrap();
        let after = Position { epoch: Epoch::new("e"), seq: 3 };
        assert_eq!(join, Request::Join { room: RoomRef("Lobby".into()), backlog: Backlog::After(after) });
    }

    #[test]
    fn a_refusal_names_the_field() {
        for (text, field) in [
            (r#"{}"#, "type"),
            (r#"{"type":7}"#, "type"),
            (r#"{"type":"connect"}"#, "nickname"),
            (r#"{"type":"connect","token":1}"#, "token"),
            (r#"{"type":"refresh"}"#, "token"),
            (r#"{"type":"join"}"#, "room"),
            (r#"{"type":"join","room":"r","after":{"seq":1}}"#, "after"),
            (r#"{"type":"join","room":"r","after":{"epoch":"e","seq":-1}}"#, "after"),
            (r#"{"type":"join","room":"r","last":-1}"#, "last"),
            (r#"{"type":"join","room":"r","last":1,"after":{"epoch":"e","seq":1}}"#, "last"),
            (r#"{"type":"send","room":"r"}"#, "body"),
            (r#"{"type":"send","room":"r","body":"x","client_id":""}"#, "client_id"),
            (r#"{"type":"watch","what":"stars"}"#, "what"),
        ] {
            assert_eq!(request(text).unwrap_err().field, Some(field), "{text}");
        }
    }

    #[test]
    fn what_is_no_object_is_malformed() {
        let deep = "[".repeat(100_000);
        for text in ["", "hello", "[]", "7", "null", "{", "{\"a\":1", &deep] {
            assert_eq!(Envelope::parse(text).unwrap_err().code, Code::Malformed);
        }
    }

    #[test]
    fn an_id_is_a_number_or_a_text_and_comes_back_as_it_was() {
        let id = |text: &str| Envelope::parse(text).unwrap().id();
        assert_eq!(id(r#"{"id":7}"#).unwrap().unwrap().as_json(), "7");
        assert_eq!(id(r#"{"id":"a\"b"}"#).unwrap().unwrap().as_json(), r#""a\"b""#);
        assert_eq!(id("{}").unwrap(), None);
        for bad in [r#"{"id":null}"#, r#"{"id":{}}"#, r#"{"id":[1]}"#, r#"{"id":true}"#] {
            assert_eq!(id(bad).unwrap_err().field, Some("id"));
        }
    }
}
