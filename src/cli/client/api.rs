//! The three HTTP calls that prepare a run: a user, a room, and the head of a room.
//! Not a client library: what it does not need it does not read.

use std::time::Duration;

use anyhow::{Context as _, bail};
use awc::http::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::socket::{Identity, ServerAddress};

const TIMEOUT: Duration = Duration::from_secs(30);
const TOO_MANY: Duration = Duration::from_millis(500);

/// An HTTP client that acts for one user.
pub struct Api {
    http: awc::Client,
    server: ServerAddress,
    token: String,
}

impl Api {
    /// Makes the user and keeps its token.
    pub async fn sign_up(server: &ServerAddress, identity: &Identity) -> anyhow::Result<Self> {
        let http = awc::Client::builder().timeout(TIMEOUT).finish();
        let mut api = Self { http, server: server.clone(), token: String::new() };
        let user = json!({"nickname": identity.nickname, "secret": identity.secret});
        let made = api.post("/api/users", &user).await.context("cannot make a user")?;
        api.token = text(&made, "token")?;
        Ok(api)
    }

    /// Makes a room and gives its id.
    pub async fn create_room(&self, name: &str) -> anyhow::Result<String> {
        let room = self.post("/api/rooms", &json!({"name": name})).await.context("cannot make a room")?;
        text(&room, "id")
    }

    /// The sequence number of the last record in a room.
    pub async fn head(&self, room: &str) -> anyhow::Result<u64> {
        let request = self.http.get(self.server.http(&format!("/api/rooms/{room}")));
        let mut response =
            request.send().await.map_err(|error| anyhow::anyhow!("cannot read a room: {error}"))?;
        let room: Value = read(response.status(), response.json().await)?;
        room["head"]["seq"].as_u64().context("a room without head.seq")
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        loop {
            let request = self.http.post(self.server.http(path));
            let request = if self.token.is_empty() { request } else { request.bearer_auth(&self.token) };
            let mut response =
                request.send_json(body).await.map_err(|error| anyhow::anyhow!("{path}: {error}"))?;
            if response.status() == StatusCode::TOO_MANY_REQUESTS {
                tokio::time::sleep(TOO_MANY).await;
                continue;
            }
            return read(response.status(), response.json().await);
        }
    }
}

fn read<T: DeserializeOwned>(
    status: StatusCode,
    body: Result<T, awc::error::JsonPayloadError>,
) -> anyhow::Result<T> {
    if !status.is_success() {
        bail!("the server answered {status}");
    }
    body.map_err(|error| anyhow::anyhow!("the answer cannot be read: {error}"))
}

fn text(answer: &Value, field: &str) -> anyhow::Result<String> {
    answer[field].as_str().map(str::to_owned).with_context(|| format!("an answer without {field}"))
}
