//! The HTTP calls that prepare a run: a user, a room, and the head of a room.
//! Not a client library: what it does not need it does not read.

use std::time::Duration;

use anyhow::Context as _;
use serde_json::{Value, json};

use super::http::{Failure, Http};
use super::socket::{Identity, ServerAddress};

const PATIENCE: Duration = Duration::from_secs(30);
const TOO_MANY: Duration = Duration::from_millis(500);

/// An HTTP client that acts for one user.
pub struct Api {
    http: Http,
    server: ServerAddress,
    token: String,
}

impl Api {
    /// Makes the user and keeps its token.
    pub async fn sign_up(server: &ServerAddress, identity: &Identity) -> anyhow::Result<Self> {
        let mut api = Self { http: Http::new(PATIENCE), server: server.clone(), token: String::new() };
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
        Self::head_of(&self.http, &self.server, room).await
    }

    /// The same for somebody who is nobody.
    pub async fn head_of(http: &Http, server: &ServerAddress, room: &str) -> anyhow::Result<u64> {
        let address = server.http(&format!("/api/rooms/{room}"));
        let room = http.get(&address).await.context("cannot read a room")?;
        room["head"]["seq"].as_u64().context("a room without head.seq")
    }

    async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        loop {
            match self.http.post(&self.server.http(path), &self.token, body).await {
                Err(Failure::Refused { status: 429, .. }) => tokio::time::sleep(TOO_MANY).await,
                answer => return Ok(answer?),
            }
        }
    }
}

fn text(answer: &Value, field: &str) -> anyhow::Result<String> {
    answer[field].as_str().map(str::to_owned).with_context(|| format!("an answer without {field}"))
}
