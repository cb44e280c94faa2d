//! The table of destinations: which of them say something in a room, and which ones are heard.
//! It comes from the settings, which see to it that its texts make sense.

use std::sync::Arc;

use super::{
    payload::{Said, said},
    template::Template,
};
use crate::domain::{Code, Limits, Refusal, RoomId};

/// One way to talk to rooms: where to send, where to listen, and what the fields of the payload are called.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Route {
    /// Where a client sends to. Without a place for the room the payload names it.
    pub send: Template,
    /// Where a room is heard.
    pub topic: Template,
    /// The field with the room's id.
    pub room: Box<str>,
    /// The field with the sender's nickname.
    pub sender: Box<str>,
    /// The field with the text.
    pub content: Box<str>,
    /// The field with the type.
    pub kind: Box<str>,
    /// The field with the time.
    pub time: Box<str>,
    /// Types that say something; the first one is written.
    pub message: Types,
    /// Types that make the sender a member.
    pub join: Types,
    /// Types that end that.
    pub leave: Types,
}

/// Texts of the type field that mean the same. The first one is written.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Types {
    written: Box<str>,
    also_read: Box<[Box<str>]>,
}

impl Types {
    /// The text to write, and others that are read.
    pub fn new<'a>(written: &str, also_read: impl IntoIterator<Item = &'a str>) -> Self {
        Self { written: written.into(), also_read: also_read.into_iter().map(Into::into).collect() }
    }

    /// The text to write.
    pub fn written(&self) -> &str {
        &self.written
    }

    /// Whether a text is one of them.
    pub fn has(&self, text: &str) -> bool {
        *self.written == *text || self.also_read.iter().any(|one| **one == *text)
    }
}

/// What can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topic {
    /// The records of a room, as its route writes them.
    Room {
        /// The route.
        route: Arc<Route>,
        /// The room.
        room: RoomId,
    },
    /// Changes of the room list.
    Rooms,
    /// What is refused to this client.
    Errors,
}

/// What a SEND says, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Spoken {
    /// The room.
    pub room: RoomId,
    /// The nickname in the payload. It counts for a client that said at CONNECT not who it is, where the settings allow
    /// that, and for nobody else (promise D6).
    pub sender: Option<String>,
    /// What.
    pub said: Said,
}

/// All destinations.
#[derive(Debug, Clone)]
pub struct Routes {
    rooms: Box<str>,
    errors: Box<str>,
    routes: Box<[Arc<Route>]>,
}

impl Routes {
    /// The table: where the room list and the refusals are heard, and the routes, of which the first one that fits
    /// counts.
    pub fn new(rooms: &str, errors: &str, routes: impl IntoIterator<Item = Route>) -> Self {
        let routes = routes.into_iter().map(Arc::new).collect();
        Self { rooms: rooms.into(), errors: errors.into(), routes }
    }

    /// Where changes of the room list are heard.
    pub fn rooms(&self) -> &str {
        &self.rooms
    }

    /// Where refusals are heard.
    pub fn errors(&self) -> &str {
        &self.errors
    }

    /// What a SUBSCRIBE asks for.
    ///
    /// # Errors
    /// `not_found` for a destination that nothing is heard at, `room_not_found` where no room can have such an id.
    pub fn topic(&self, destination: &str) -> Result<Topic, Refusal> {
        if *destination == *self.rooms {
            return Ok(Topic::Rooms);
        }
        if *destination == *self.errors {
            return Ok(Topic::Errors);
        }
        let (route, room) = self.find(destination, |route| &route.topic)?;
        Ok(Topic::Room { route: Arc::clone(route), room: room_of(room)? })
    }

    /// What a SEND says.
    ///
    /// # Errors
    /// `not_found` for a destination that takes nothing; `malformed`, or `invalid` with the field, for a payload that
    /// is not as the route has it; `room_not_found` where no room can have such an id.
    pub fn spoken(&self, destination: &str, payload: &[u8], limits: &Limits) -> Result<Spoken, Refusal> {
        let (route, room) = self.find(destination, |route| &route.send)?;
        let (said, fields) = said(route, payload, limits)?;
        let room = if route.send.names_a_room() { room } else { fields.room()? };
        Ok(Spoken { room: room_of(room)?, sender: fields.sender(), said })
    }

    fn find<'a>(
        &self,
        destination: &'a str,
        template: impl Fn(&Route) -> &Template,
    ) -> Result<(&Arc<Route>, &'a str), Refusal> {
        let mut fitting =
            self.routes.iter().filter_map(|route| Some((route, template(route).fits(destination)?)));
        fitting.next().ok_or_else(|| {
            let shown: String = destination.chars().take(80).collect();
            Refusal::new(Code::NotFound).message(format!("there is no destination '{shown}' for this"))
        })
    }
}

fn room_of(text: &str) -> Result<RoomId, Refusal> {
    RoomId::parse(text).filter(|_| !text.is_empty()).ok_or_else(|| Code::RoomNotFound.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stomp::testbed::{legacy_route, route};

    fn routes() -> Routes {
        Routes::new("/topic/rooms", "/user/queue/errors", [route(), legacy_route()])
    }

    fn code(destination: &str) -> Code {
        routes().topic(destination).unwrap_err().code
    }

    #[test]
    fn a_topic_is_a_room_the_list_or_the_errors() {
        let topic = |destination: &str| routes().topic(destination).unwrap();
        assert_eq!(topic("/topic/rooms"), Topic::Rooms);
        assert_eq!(topic("/user/queue/errors"), Topic::Errors);
        let room = RoomId::new("r1");
        assert_eq!(topic("/topic/chat/r1"), Topic::Room { route: route().into(), room: room.clone() });
        assert_eq!(topic("/subscribe/r1"), Topic::Room { route: legacy_route().into(), room });
    }

    #[test]
    fn what_nobody_hears_is_not_found() {
        for unknown in ["", "/topic/chat", "/topic/chat/", "/topic/rooms/", "/app/chat/send/r1"] {
            assert_eq!(code(unknown), Code::NotFound, "{unknown}");
        }
        assert_eq!(code("/topic/chat/r 1"), Code::RoomNotFound);
    }

    #[test]
    fn a_send_goes_to_the_room_of_its_destination_or_of_its_payload() {
        let limits = Limits::default();
        let spoken =
            |destination: &str, payload: &str| routes().spoken(destination, payload.as_bytes(), &limits);
        let first = spoken("/app/chat/send/r1", r#"{"roomId":"r2","content":"hi","sender":"Ada"}"#).unwrap();
        assert_eq!((first.room.as_str(), first.sender.as_deref()), ("r1", Some("Ada")));
        let other = spoken("/app-ws-method/sendMessage", r#"{"roomId":"r2","message":"hi"}"#).unwrap();
        assert_eq!((other.room.as_str(), other.sender), ("r2", None));
        let nowhere = spoken("/app-ws-method/sendMessage", r#"{"message":"hi"}"#).unwrap_err();
        assert_eq!((nowhere.code, nowhere.field), (Code::Invalid, Some("room")));
        let empty = spoken("/app-ws-method/sendMessage", r#"{"roomId":"","message":"hi"}"#).unwrap_err();
        assert_eq!(empty.code, Code::RoomNotFound);
        assert_eq!(spoken("/topic/chat/r1", "{}").unwrap_err().code, Code::NotFound);
    }
}
