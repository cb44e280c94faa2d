//! A member of a Klatsch room who speaks: the [`Target`] that is a real server.
//! Counts acknowledgements and leaves judging to the members of the swarm.

use std::time::SystemTime;

use anyhow::{Context as _, bail};
use klatsch::cli::bench::body;
use klatsch::cli::client::frames::{Incoming, Request};
use klatsch::cli::client::socket::{Client, Event, Identity, ServerAddress};

use crate::load::Target;

/// One member with a socket.
pub(crate) struct Speaker {
    client: Client,
    room: String,
    body_bytes: usize,
    sent: u64,
}

impl Speaker {
    /// Joins the room; every message will have `body_bytes` bytes, and in them the time of day at which it was sent.
    pub(crate) async fn join(
        server: &ServerAddress,
        identity: &Identity,
        room: &str,
        body_bytes: usize,
    ) -> anyhow::Result<Self> {
        let (mut client, _) = Client::connect(server, identity).await?;
        client.join(room).await?;
        Ok(Self { client, room: room.to_owned(), body_bytes, sent: 0 })
    }
}

impl Target for Speaker {
    async fn post(&mut self) -> anyhow::Result<()> {
        self.sent += 1;
        let now = SystemTime::UNIX_EPOCH.elapsed().context("the clock stands before 1970")?;
        let body = body::stamped(now, self.body_bytes);
        let client_id = self.sent.to_string();
        self.client
            .request(&Request::Send { id: self.sent, room: &self.room, body: &body, client_id: &client_id })
            .await
    }

    async fn come_back(&mut self) -> anyhow::Result<u64> {
        loop {
            match self.client.next().await? {
                Event::Frame(Incoming::Ack(_)) => return Ok(1),
                Event::Frame(Incoming::Error(refusal)) => bail!("refused: {}", refusal.code),
                Event::Frame(_) => {}
                Event::Cut(code) => bail!("the server closed the speaker's socket ({code:?})"),
            }
        }
    }
}
