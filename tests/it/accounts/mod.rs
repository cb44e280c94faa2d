//! Accounts and sessions over HTTP: who gets in, with what, for how long, and who does not.
//! Two nodes that share them are in `kafka::sessions`.

mod admin;
mod cookies;
mod open_sockets;
mod passwords;
mod profile;
mod redis;
mod sessions;
mod sign_up;
mod tokens;

pub(crate) use admin::create_admin;
use serde_json::{Value, json};

use crate::support::http::{Http, text};
use crate::support::server::Plan;

/// A password that nobody else has.
const PASSWORD: &str = "correct horse battery";

/// A server whose passwords cost nothing.
fn plan() -> Plan {
    Plan::default().set("auth.password_memory_kib", 8).set("auth.password_passes", 1)
}

/// Makes an account called as its login.
async fn sign_up(http: &Http, login: &str) -> Value {
    let body = json!({ "login": login, "password": PASSWORD, "nickname": login });
    http.post("/api/accounts", body).await.expect(201)
}

async fn log_in(http: &Http, login: &str) -> Value {
    http.post("/api/sessions", json!({ "login": login, "password": PASSWORD })).await.expect(201)
}

/// The same client, acting in a session.
fn acting_in(http: &Http, session: &Value) -> Http {
    http.with_token(&text(&session["access_token"]))
}

async fn refresh(http: &Http, session: &Value) -> crate::support::http::Answer {
    http.post("/api/sessions/refresh", json!({ "refresh_token": session["refresh_token"] })).await
}
