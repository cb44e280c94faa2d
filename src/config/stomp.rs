//! `[stomp]`: how STOMP clients are heard.
//! The table of their destinations is in `stomp_routes`.

use serde::{Deserialize, Serialize};

use super::{
    bounds::within,
    stomp_routes::{StompRoutes, is_destination},
};

/// Settings of STOMP.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StompSettings {
    /// What becomes of a client that does not say at CONNECT who it is.
    pub anonymous: AnonymousClients,
    /// Milliseconds between two heart-beats, in both directions, 0 (none) to 600,000.
    #[serde(deserialize_with = "within::<0, 600_000, _, _>")]
    pub heartbeat_ms: u64,
    /// Where a refusal goes.
    pub refusals: RefusalsGo,
    /// Deliveries that a subscription may leave unacknowledged, 1 to 1,000,000.
    #[serde(deserialize_with = "within::<1, 1_000_000, _, _>")]
    pub unacked_max: usize,
    /// Where changes of the room list are heard.
    pub rooms: FixedDestination,
    /// Where a client hears what is refused to it.
    pub errors: FixedDestination,
    /// Where a client shows a new token.
    pub refresh: FixedDestination,
    /// The ways to talk to rooms.
    pub routes: StompRoutes,
}

/// What becomes of a client that does not say at CONNECT who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum AnonymousClients {
    /// Its CONNECT is refused.
    Refuse,
    /// The first `sender` in a payload of its own becomes its nickname.
    Bind,
}

impl TryFrom<String> for AnonymousClients {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "refuse" => Ok(Self::Refuse),
            "bind" => Ok(Self::Bind),
            _ => Err("refuse or bind"),
        }
    }
}

impl From<AnonymousClients> for String {
    fn from(clients: AnonymousClients) -> Self {
        match clients {
            AnonymousClients::Refuse => "refuse".to_owned(),
            AnonymousClients::Bind => "bind".to_owned(),
        }
    }
}

/// Where a refusal goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RefusalsGo {
    /// To the client's own queue; the connection lives.
    ToQueue,
    /// Into an ERROR, which ends the connection.
    IntoError,
}

impl TryFrom<String> for RefusalsGo {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        match text.as_str() {
            "queue" => Ok(Self::ToQueue),
            "error" => Ok(Self::IntoError),
            _ => Err("queue or error"),
        }
    }
}

impl From<RefusalsGo> for String {
    fn from(refusals: RefusalsGo) -> Self {
        match refusals {
            RefusalsGo::ToQueue => "queue".to_owned(),
            RefusalsGo::IntoError => "error".to_owned(),
        }
    }
}

/// A destination that names no room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct FixedDestination(String);

impl FixedDestination {
    /// The destination.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for FixedDestination {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if is_destination(&text) && !text.contains('{') {
            Ok(Self(text))
        } else {
            Err("a destination such as /topic/rooms: a slash, then no white space and no braces")
        }
    }
}

impl From<FixedDestination> for String {
    fn from(destination: FixedDestination) -> Self {
        destination.0
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;

    /// The refusal of a file with this in it.
    fn refusal(text: &str) -> String {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text).expect("written");
        let refusal = Settings::load(Some(file.path()), []).expect_err(text).to_string();
        refusal.replace(&file.path().display().to_string(), "FILE")
    }

    #[test]
    fn the_defaults_are_what_the_protocol_says() {
        let stomp = Settings::default().stomp;
        assert_eq!(stomp.heartbeat_ms, 10_000);
        assert_eq!((stomp.rooms.as_str(), stomp.errors.as_str()), ("/topic/rooms", "/user/queue/errors"));
        let [route] = stomp.routes.as_slice() else { panic!("one route, not {:?}", stomp.routes) };
        assert_eq!((&*route.send, &*route.topic), ("/app/chat/send/{room}", "/topic/chat/{room}"));
        let names = [&route.room, &route.sender, &route.content, &route.r#type, &route.time];
        assert_eq!(names, ["roomId", "sender", "content", "type", "timestamp"]);
        let types = [&route.message, &route.join, &route.leave].map(|types| types.join(","));
        assert_eq!(types, ["CHAT", "JOIN", "LEAVE"]);
    }

    #[test]
    fn a_wrong_setting_is_refused_with_what_is_allowed() {
        for (line, allowed) in [
            (
                "anonymous = \"perhaps\"",
                "setting stomp.anonymous is \"perhaps\" in FILE, allowed is refuse or bind",
            ),
            ("refusals = \"drop\"", "allowed is queue or error"),
            ("rooms = \"topic\"", "a destination such as /topic/rooms"),
            ("rooms = \"/topic/{room}\"", "no braces"),
            ("errors = \"/topic/rooms\"", "another destination than stomp.rooms"),
        ] {
            let refusal = refusal(&format!("[stomp]\n{line}\n"));
            assert!(refusal.contains(allowed), "{refusal}");
        }
    }

    #[test]
    fn a_wrong_route_is_refused_with_what_is_allowed() {
        let route = "[[stomp.routes]]\nsend = \"/app/{room}\"\ntopic = \"/topic/{room}\"\n";
        for (text, allowed) in [
            ("[stomp]\nroutes = []", "1 to 16 routes"),
            ("[stomp]\nroutes = \"/app\"", "a sequence"),
            ("[stomp]\nroutes = [\"/app\"]", "a table with send, topic and names of fields"),
            ("[[stomp.routes]]\ntopic = \"/topic/{room}\"", "a send and a topic for each route"),
            ("[[stomp.routes]]\nsend = \"app\"\ntopic = \"/topic/{room}\"", "a slash, then"),
            ("[[stomp.routes]]\nsend = \"/app\"\ntopic = \"/topic\"", "a topic with {room} in it"),
            ("[[stomp.routes]]\nsend = \"/{room}/{room}\"\ntopic = \"/topic/{room}\"", "once"),
            (&format!("{route}colour = \"c\"\n"), "one of `send`, `topic`"),
            (&format!("{route}sender = \"content\"\n"), "five different names of fields"),
            (&format!("{route}time = \"\"\n"), "five different names of fields"),
            (&format!("{route}join = []\n"), "one type or more for each of message, join and leave"),
            (&format!("{route}join = [\"CHAT\"]\n"), "each type once"),
            (&format!("{route}{route}"), "each send once"),
            (
                &format!(
                    "{route}[[stomp.routes]]\nsend = \"/b\"\ntopic = \"/topic/{{room}}\"\ntime = \"t\"\n"
                ),
                "the same names of fields for the same topic",
            ),
        ] {
            let refusal = refusal(text);
            assert!(refusal.starts_with("setting stomp.routes is "), "{refusal}");
            assert!(refusal.contains("in FILE") && refusal.contains(allowed), "{refusal}");
        }
    }

    #[test]
    fn the_examples_load() {
        for (name, routes) in [("stomp-pub", 2), ("stomp-legacy", 2)] {
            let file = format!("{}/config/examples/{name}.toml", env!("CARGO_MANIFEST_DIR"));
            let settings = Settings::load(Some(file.as_ref()), []).expect("an example is valid");
            assert_eq!(settings.stomp.routes.as_slice().len(), routes, "{name}");
        }
    }

    #[test]
    fn routes_are_shown_as_toml_that_loads_again() {
        let text = "[[stomp.routes]]\nsend = \"/a \\\"b\\\"\"\ntopic = \"/t/{room}\"\n".replace(' ', "");
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        std::fs::write(file.path(), text.replace("send=", "send = ")).expect("written");
        let before = Settings::load(Some(file.path()), []).expect("valid");
        std::fs::write(file.path(), before.to_toml()).expect("written");
        let after = Settings::load(Some(file.path()), []).expect("what is shown is valid");
        assert_eq!(before, after);
    }
}
