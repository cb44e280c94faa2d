//! What a service answers without a session: a greeting, what it can do, and the hidden page of old browsers.
//! The page's words are fixed by the protocol; only the address of its script is ours.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, EntityTag},
    web::Data,
};
use data_encoding::HEXLOWER;
use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Service, headers};
use crate::{
    auth::random,
    http::{Context, page, policy},
};

pub(super) async fn greeting() -> HttpResponse {
    HttpResponse::Ok().content_type("text/plain; charset=UTF-8").body("Welcome to SockJS!\n")
}

pub(super) async fn info(service: Data<Service>) -> HttpResponse {
    let info = json!({
        "websocket": service.settings.websocket,
        "cookie_needed": service.settings.cookie,
        "origins": ["*:*"],
        "entropy": random::number(),
    });
    let mut response = HttpResponse::Ok();
    headers::fresh(&mut response).content_type("application/json; charset=UTF-8").body(info.to_string())
}

pub(super) async fn iframe(
    request: HttpRequest,
    context: Data<Context>,
    service: Data<Service>,
) -> HttpResponse {
    let client_url = service.settings.client_url.as_str();
    let page = hidden_page(client_url);
    let policy = policy::hidden_page(&context.allowed_origins, client_url, BOOTSTRAP);
    let tag = EntityTag::new_strong(HEXLOWER.encode(&Sha256::digest(&page)[..16]));
    let known = page::is_known(&request, &tag);
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    headers::cached(&mut response)
        .insert_header(header::ETag(tag))
        .insert_header((header::CONTENT_SECURITY_POLICY, policy));
    match known {
        true => response.finish(),
        false => response.content_type("text/html; charset=UTF-8").body(page),
    }
}

/// What the page does: the words between its tags, to the last space, for browsers know them by their hash.
const BOOTSTRAP: &str = "
    document.domain = document.domain;
    SockJS.bootstrap_iframe();
  ";

fn hidden_page(script: &str) -> String {
    format!(
        r#"<!DOCTYPE html>
<html>
<head>
  <meta http-equiv="X-UA-Compatible" content="IE=edge" />
  <meta http-equiv="Content-Type" content="text/html; charset=UTF-8" />
  <script src="{script}"></script>
  <script>{BOOTSTRAP}</script>
</head>
<body>
  <h2>Don't panic!</h2>
  <p>This is a SockJS hidden iframe. It's used for cross domain magic.</p>
</body>
</html>
"#
    )
}
