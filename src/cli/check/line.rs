//! A client's socket that is watched: a node that is silent for too long counts as gone.
//! Reads and writes frames; what they mean the talker knows.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};

use super::evidence::Record;
use crate::cli::client::frames::{Incoming, Request};
use crate::cli::client::socket::{Client, Event, Identity, ServerAddress};

/// A node that does not let a client in for so long is given up.
const TO_CONNECT: Duration = Duration::from_secs(3);
/// How often a client asks for a sign of life.
const PING: Duration = Duration::from_secs(1);
/// A node that says nothing for so long is given up.
const SILENCE: Duration = Duration::from_secs(4);
/// RFC 6455: the code of a connection that ended without a close frame.
const NO_CLOSE_FRAME: u16 = 1006;

/// Why a connection is over: a close code, or a word.
pub(super) struct End(pub(super) String);

/// A socket whose user is known.
pub(super) struct Line {
    client: Client,
    heard_at: Instant,
    ping_at: Instant,
}

impl Line {
    /// Connects; `None` if the node does not let the client in.
    pub(super) async fn open(server: &ServerAddress, identity: &Identity) -> Option<Self> {
        let (client, _) = timeout(TO_CONNECT, Client::connect(server, identity)).await.ok()?.ok()?;
        let now = Instant::now();
        Some(Self { client, heard_at: now, ping_at: now + PING })
    }

    /// The next frame. May be dropped and called again.
    pub(super) async fn next(&mut self) -> Result<Incoming<Record>, End> {
        loop {
            tokio::select! {
                event = self.client.next_as() => {
                    self.heard_at = Instant::now();
                    return match event {
                        Ok(Event::Frame(frame)) => Ok(frame),
                        Ok(Event::Cut(code)) => Err(End(code.unwrap_or(NO_CLOSE_FRAME).to_string())),
                        Err(_) => Err(End("unreadable".to_owned())),
                    };
                }
                () = sleep_until(self.ping_at) => {}
            }
            self.ping().await?;
        }
    }

    /// Writes a request.
    pub(super) async fn request(&mut self, request: &Request<'_>) -> Result<(), End> {
        match timeout(SILENCE, self.client.request(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End(NO_CLOSE_FRAME.to_string())),
            Err(_) => Err(End("silent".to_owned())),
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.ping_at = Instant::now() + PING;
        if self.heard_at.elapsed() > SILENCE {
            return Err(End("silent".to_owned()));
        }
        self.request(&Request::Ping).await
    }
}
