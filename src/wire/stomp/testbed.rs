//! Routes and bytes that the tests of this folder share.
//! Not the defaults: those are settings.

use super::{Route, Template, Types, Version, escape::escape_into};

/// The route of the web's many front ends for Spring.
pub(super) fn route() -> Route {
    Route {
        send: Template::new("/app/chat/send/{room}"),
        topic: Template::new("/topic/chat/{room}"),
        room: "roomId".into(),
        sender: "sender".into(),
        content: "content".into(),
        kind: "type".into(),
        time: "timestamp".into(),
        message: Types::new("CHAT", ["TALK"]),
        join: Types::new("JOIN", []),
        leave: Types::new("LEAVE", []),
    }
}

/// A route whose sends name the room in the payload.
pub(super) fn legacy_route() -> Route {
    Route {
        send: Template::new("/app-ws-method/sendMessage"),
        topic: Template::new("/subscribe/{room}"),
        sender: "nickname".into(),
        content: "message".into(),
        time: "time".into(),
        ..route()
    }
}

/// A frame as a client writes it, with the ends of lines that its version has.
pub(super) fn frame(
    version: Version,
    end_of_line: &str,
    command: &str,
    headers: &[(String, String)],
    body: &[u8],
) -> Vec<u8> {
    let mut text = format!("{command}{end_of_line}");
    let escapes = if matches!(command, "CONNECT" | "STOMP") { Version::V1_0 } else { version };
    for (name, value) in headers {
        escape_into(&mut text, name, escapes);
        text.push(':');
        escape_into(&mut text, value, escapes);
        text.push_str(end_of_line);
    }
    text.push_str(end_of_line);
    let mut bytes = text.into_bytes();
    bytes.extend_from_slice(body);
    bytes.push(0);
    bytes
}
