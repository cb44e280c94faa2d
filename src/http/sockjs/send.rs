//! Sending into a session: requests that carry messages, as JSON or in a form.
//! Nothing is answered here but that they were taken; what they lead to is received.

use std::{collections::HashMap, sync::Arc};

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Payload, Query},
};

use super::visit::Visit;
use crate::{
    domain::Refusal,
    http::{Problem, body},
    wire::sockjs,
};

const TEXT: &str = "text/plain; charset=UTF-8";

pub(super) async fn xhr_send(visit: Visit, payload: Payload) -> Result<HttpResponse, Problem> {
    let sent = text(&visit, payload).await?;
    Ok(match deliver(&visit, sent).await? {
        Ok(()) => visit.answer(StatusCode::NO_CONTENT, TEXT).finish(),
        Err(sentence) => visit.fault(sentence),
    })
}

pub(super) async fn jsonp_send(visit: Visit, payload: Payload) -> Result<HttpResponse, Problem> {
    let mut sent = text(&visit, payload).await?;
    if is_form(&visit.request) {
        let form = Query::<HashMap<String, String>>::from_query(&sent);
        sent = form.ok().and_then(|mut form| form.remove("d")).unwrap_or_default();
    }
    Ok(match deliver(&visit, sent).await? {
        // Some browsers do strange things when they are told nothing.
        Ok(()) => visit.answer(StatusCode::OK, TEXT).body("ok"),
        Err(sentence) => visit.fault(sentence),
    })
}

async fn text(visit: &Visit, payload: Payload) -> Result<String, Refusal> {
    let bytes = body::read(&visit.request, payload.into_inner(), body::Bound::of(&visit.context)).await?;
    // A character that is none makes the text broken, not what stands around it something else.
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Delivers what was sent, or says in the protocol's words why not.
async fn deliver(visit: &Visit, sent: String) -> Result<Result<(), &'static str>, Refusal> {
    let session = visit.session()?;
    if sent.is_empty() {
        return Ok(Err("Payload expected."));
    }
    match sockjs::messages(&sent) {
        Ok(messages) => Arc::clone(&session).deliver(messages, sent.len()).await.map(Ok),
        Err(_) => Ok(Err("Broken JSON encoding.")),
    }
}

fn is_form(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    content_type.is_some_and(|value| value.starts_with("application/x-www-form-urlencoded"))
}
