//! How the settings have STOMP spoken.
//! Speaking it is the business of `actors::stomp`.

use super::error;
use crate::{
    actors::StompOptions,
    config::{Settings, StompRoute},
    wire::stomp::{Route, Routes, Template, Types},
};

/// What the settings say.
pub(super) fn options(settings: &Settings) -> StompOptions {
    let (socket, stomp) = (&settings.socket, &settings.stomp);
    let routes = stomp.routes.as_slice().iter().map(route);
    StompOptions {
        outbox_bytes: socket.outbox_bytes,
        in_flight: socket.in_flight,
        body_bytes: socket.frame_bytes,
        heartbeat_ms: stomp.heartbeat_ms,
        anonymous: stomp.anonymous,
        refusals: stomp.refusals,
        unacked_max: stomp.unacked_max as u64,
        refresh: stomp.refresh.as_str().into(),
        routes: Routes::new(stomp.rooms.as_str(), stomp.errors.as_str(), routes),
        status: |code| error::status(code).as_u16(),
    }
}

fn route(route: &StompRoute) -> Route {
    Route {
        send: Template::new(&route.send),
        topic: Template::new(&route.topic),
        room: route.room.as_str().into(),
        sender: route.sender.as_str().into(),
        content: route.content.as_str().into(),
        kind: route.r#type.as_str().into(),
        time: route.time.as_str().into(),
        message: types(&route.message),
        join: types(&route.join),
        leave: types(&route.leave),
    }
}

/// The settings see to it that there is a first one.
fn types(texts: &[String]) -> Types {
    let (first, rest) = texts.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
    Types::new(first, rest.iter().map(String::as_str))
}
