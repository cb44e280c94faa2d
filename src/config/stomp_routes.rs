//! `stomp.routes`: where STOMP clients send, where they listen, and what the fields of their payloads are called.
//! Not the reading of a destination: here is only seen to it that the table makes sense.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

/// The ways to talk to rooms, at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<StompRoute>", into = "Vec<StompRoute>")]
pub struct StompRoutes(Vec<StompRoute>);

/// One way to talk to rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Written")]
pub struct StompRoute {
    /// Where clients send to. Without `{room}` the payload names the room.
    pub send: String,
    /// Where they listen.
    pub topic: String,
    /// The field with the room's id.
    pub room: String,
    /// The field with the sender's nickname.
    pub sender: String,
    /// The field with the text.
    pub content: String,
    /// The field with the type.
    pub r#type: String,
    /// The field with the time.
    pub time: String,
    /// Types of a message, at least one; the first is written.
    pub message: Vec<String>,
    /// Types of becoming a member.
    pub join: Vec<String>,
    /// Types of ending that.
    pub leave: Vec<String>,
}

/// A route as a file has it, which names only what is not as usual.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table with send, topic and names of fields")]
struct Written {
    send: Option<String>,
    topic: Option<String>,
    room: Option<String>,
    sender: Option<String>,
    content: Option<String>,
    r#type: Option<String>,
    time: Option<String>,
    message: Option<Vec<String>>,
    join: Option<Vec<String>>,
    leave: Option<Vec<String>>,
}

/// The place for a room in a destination.
const ROOM: &str = "{room}";

/// Most routes; a destination is held against one after the other.
const MOST_ROUTES: usize = 16;

/// Whether a text can be a destination: a slash, then neither white space nor control characters.
pub(super) fn is_destination(text: &str) -> bool {
    let fits = |c: char| !c.is_whitespace() && !c.is_control();
    text.starts_with('/') && text.len() <= 255 && text.chars().all(fits)
}

impl StompRoutes {
    /// The routes, in the order in which they are tried.
    pub fn as_slice(&self) -> &[StompRoute] {
        &self.0
    }
}

impl TryFrom<Vec<StompRoute>> for StompRoutes {
    type Error = &'static str;

    fn try_from(routes: Vec<StompRoute>) -> Result<Self, Self::Error> {
        if !(1..=MOST_ROUTES).contains(&routes.len()) {
            return Err("1 to 16 routes");
        }
        if !all_differ(routes.iter().map(|route| &route.send)) {
            return Err("each send once");
        }
        let earlier = |route: &StompRoute| routes.iter().find(|one| one.topic == route.topic);
        if routes.iter().any(|route| earlier(route).is_some_and(|one| !one.calls_fields_like(route))) {
            return Err("the same names of fields for the same topic");
        }
        Ok(Self(routes))
    }
}

impl From<StompRoutes> for Vec<StompRoute> {
    fn from(routes: StompRoutes) -> Self {
        routes.0
    }
}

impl StompRoute {
    fn calls_fields_like(&self, other: &Self) -> bool {
        *self == Self { send: self.send.clone(), ..other.clone() }
    }

    fn check(&self) -> Result<(), &'static str> {
        let is_template =
            |text: &str| is_destination(text) && !text.replacen(ROOM, "", 1).contains(['{', '}']);
        if !is_template(&self.send) || !is_template(&self.topic) {
            return Err("destinations with a slash, then no white space, and at most once {room}");
        }
        if !self.topic.contains(ROOM) {
            return Err("a topic with {room} in it");
        }
        let names = [&self.room, &self.sender, &self.content, &self.r#type, &self.time];
        if names.iter().any(|name| name.is_empty()) || !all_differ(names) {
            return Err("five different names of fields");
        }
        let types = [&self.message, &self.join, &self.leave];
        if types.iter().any(|types| types.is_empty()) {
            return Err("one type or more for each of message, join and leave");
        }
        if !all_differ(types.into_iter().flatten()) {
            return Err("each type once");
        }
        Ok(())
    }
}

impl TryFrom<Written> for StompRoute {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        let name = |given: Option<String>, usual: &str| given.unwrap_or_else(|| usual.to_owned());
        let types = |given: Option<Vec<String>>, usual: &str| given.unwrap_or_else(|| vec![usual.to_owned()]);
        let (Some(send), Some(topic)) = (written.send, written.topic) else {
            return Err("a send and a topic for each route");
        };
        let route = Self {
            send,
            topic,
            room: name(written.room, "roomId"),
            sender: name(written.sender, "sender"),
            content: name(written.content, "content"),
            r#type: name(written.r#type, "type"),
            time: name(written.time, "timestamp"),
            message: types(written.message, "CHAT"),
            join: types(written.join, "JOIN"),
            leave: types(written.leave, "LEAVE"),
        };
        route.check().map(|()| route)
    }
}

fn all_differ<'a>(texts: impl IntoIterator<Item = &'a String>) -> bool {
    let mut seen = HashSet::new();
    texts.into_iter().all(|text| seen.insert(text))
}
