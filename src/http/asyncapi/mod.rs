//! The AsyncAPI document of what is no HTTP: the native socket and STOMP. Channels and frames are written down in
//! `document.json`, and a test holds them against the code; shapes that HTTP has too, and all codes, are made from it.

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use actix_web::HttpResponse;
use serde_json::{Map, Value, json};

use super::openapi;
use crate::domain::{CloseCode, Code};

const WRITTEN: &str = include_str!("document.json");

/// Shapes that HTTP and the sockets share.
const SHARED: &[&str] = &["User", "Position", "Room", "Record", "Missing", "Problem"];

static DOCUMENT: LazyLock<String> = LazyLock::new(|| whole().to_string());

/// Shows this document.
#[utoipa::path(
    get,
    path = "/api/asyncapi.json",
    tag = "operation",
    operation_id = "showSockets",
    responses((
        status = 200,
        description = "AsyncAPI 3.0 of the native socket and STOMP",
        body = Object,
        content_type = "application/json"
    ))
)]
pub(super) async fn document() -> HttpResponse {
    HttpResponse::Ok().content_type("application/json").body(DOCUMENT.as_str())
}

fn whole() -> Value {
    let mut document: Value = serde_json::from_str(WRITTEN).expect("the document is JSON, as tests see");
    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    let mut known = openapi::schemas();
    let shared = SHARED.iter().filter_map(|name| Some(((*name).to_owned(), known.remove(*name)?)));
    let mut schemas: Map<String, Value> = shared.collect();
    schemas.insert("Code".to_owned(), codes());
    schemas.insert("CloseCode".to_owned(), close_codes());
    if let Some(written) = document["components"]["schemas"].as_object_mut() {
        written.extend(schemas);
    }
    document
}

fn codes() -> Value {
    let names = Code::ALL.iter().map(|code| code.name());
    json!({ "type": "string", "enum": names.collect::<Vec<_>>(), "description": "Why something was refused." })
}

fn close_codes() -> Value {
    let choice = |code: &CloseCode| json!({ "const": code.number(), "title": code.name(), "description": code.sentence() });
    let choices: Vec<_> = CloseCode::ALL.iter().map(choice).collect();
    let description = "Why the server closed a socket. 4000 to 4499: reconnect and resume. 4500 to 4999: not without a change.";
    json!({ "type": "integer", "oneOf": choices, "description": description })
}
