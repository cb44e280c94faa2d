//! One socket of the native protocol: opens it, names its user, joins, sends, and hears what comes.
//! Keeps no state of the conversation and judges nothing; who resumes and what was lost is the caller's.

use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::de::DeserializeOwned;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes, protocol::WebSocketConfig};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::frames::{Connected, Incoming, Joined, Position, Record, Request};

/// Thousands of clients live in one process, so none may hold a large buffer.
const BUFFER_BYTES: usize = 4 * 1024;

/// The id of a client's join; sends count from 1.
pub const JOIN_ID: u64 = 0;

/// Where a server listens: the `host:port` of an `http://` address.
#[derive(Clone, Debug)]
pub struct ServerAddress(String);

impl ServerAddress {
    /// The address as `host:port`.
    pub fn authority(&self) -> &str {
        &self.0
    }

    /// The full address of a path on this server.
    pub fn http(&self, path: &str) -> String {
        format!("http://{}{path}", self.0)
    }
}

impl std::str::FromStr for ServerAddress {
    type Err = anyhow::Error;

    fn from_str(url: &str) -> anyhow::Result<Self> {
        let Some(rest) = url.strip_prefix("http://") else {
            bail!("the address must begin with http:// (the load tool speaks no TLS)");
        };
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains('/') {
            bail!("the address must be http://host:port without a path");
        }
        let port = if authority.contains(':') { "" } else { ":80" };
        Ok(Self(format!("{authority}{port}")))
    }
}

/// A guest who can come back.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Unique on the server.
    pub nickname: String,
    /// 16 to 64 characters.
    pub secret: String,
}

/// What a socket yields.
#[derive(Debug)]
pub enum Event<R = Record> {
    /// A frame came.
    Frame(Incoming<R>),
    /// The socket is over, with the close code if the server gave one.
    Cut(Option<u16>),
}

/// A connected socket.
pub struct Client {
    socket: WebSocketStream<TcpStream>,
}

impl Client {
    /// Opens a socket that has no user yet.
    pub async fn open(server: &ServerAddress) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(server.authority()).await.context("cannot connect")?;
        Self::open_on(server, stream).await
    }

    /// As [`Self::open`], on a connection to the server.
    pub async fn open_on(server: &ServerAddress, stream: TcpStream) -> anyhow::Result<Self> {
        stream.set_nodelay(true)?;
        let config = WebSocketConfig::default().read_buffer_size(BUFFER_BYTES).write_buffer_size(0);
        let url = format!("ws://{}/api/socket", server.authority());
        let (socket, _) = client_async_with_config(url, stream, Some(config))
            .await
            .context("the server did not open a socket at /api/socket")?;
        Ok(Self { socket })
    }

    /// Opens a socket and names its user, waiting where the server says `later`.
    pub async fn connect(server: &ServerAddress, identity: &Identity) -> anyhow::Result<(Self, Connected)> {
        let mut client = Self::open(server).await?;
        let connected = client.introduce(identity).await?;
        Ok((client, connected))
    }

    /// Names the socket's user, waiting where the server says `later`.
    pub async fn introduce(&mut self, identity: &Identity) -> anyhow::Result<Connected> {
        let Identity { nickname, secret } = identity;
        loop {
            self.request(&Request::Connect { nickname, secret }).await?;
            match self.answer().await? {
                Incoming::Connected(connected) => return Ok(connected),
                Incoming::Error(refusal) => self.wait_or_give_up(refusal).await?,
                _ => {}
            }
        }
    }

    /// Joins a room and passes over everything that comes before the answer.
    pub async fn join(&mut self, room: &str) -> anyhow::Result<Joined> {
        self.ask_to_join(room, None).await?;
        loop {
            match self.answer().await? {
                Incoming::Joined(joined) => return Ok(joined),
                Incoming::Error(refusal) => {
                    self.wait_or_give_up(refusal).await?;
                    self.ask_to_join(room, None).await?;
                }
                _ => {}
            }
        }
    }

    /// Asks to join; the answer comes as an [`Event`], among the room's records.
    pub async fn ask_to_join(&mut self, room: &str, after: Option<&Position>) -> anyhow::Result<()> {
        self.request(&Request::Join { id: JOIN_ID, room, after }).await
    }

    /// Writes one request.
    pub async fn request(&mut self, request: &Request<'_>) -> anyhow::Result<()> {
        let text = serde_json::to_string(request)?;
        self.socket.send(Message::text(text)).await.context("the socket took no more")
    }

    /// The next thing that happens. May be dropped and called again without loss.
    pub async fn next(&mut self) -> anyhow::Result<Event> {
        self.next_as().await
    }

    /// The next thing that happens, with records as the caller wants them. May be dropped and called again.
    pub async fn next_as<R: DeserializeOwned>(&mut self) -> anyhow::Result<Event<R>> {
        loop {
            match self.socket.next().await {
                Some(Ok(Message::Text(text))) => return parse(&text).map(Event::Frame),
                Some(Ok(Message::Close(frame))) => {
                    return Ok(Event::Cut(frame.map(|frame| frame.code.into())));
                }
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(Event::Cut(None)),
            }
        }
    }

    /// Gives up the framing and hands out the bare connection; bytes already buffered are lost.
    pub fn into_stream(self) -> TcpStream {
        self.socket.into_inner()
    }

    async fn answer(&mut self) -> anyhow::Result<Incoming> {
        match self.next().await? {
            Event::Frame(incoming) => Ok(incoming),
            Event::Cut(code) => bail!("the server closed the socket ({code:?})"),
        }
    }

    async fn wait_or_give_up(&mut self, refusal: super::frames::Refusal) -> anyhow::Result<()> {
        let Some(wait) = refusal.wait_ms() else { bail!("refused: {}", refusal.code) };
        tokio::time::sleep(Duration::from_millis(wait)).await;
        Ok(())
    }
}

fn parse<R: DeserializeOwned>(text: &Utf8Bytes) -> anyhow::Result<Incoming<R>> {
    serde_json::from_str(text).with_context(|| format!("the server sent a frame that cannot be read: {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_http_without_a_path() {
        let authority = |url: &str| url.parse().map(|address: ServerAddress| address.0).ok();
        assert_eq!(authority("http://127.0.0.1:8080"), Some("127.0.0.1:8080".to_owned()));
        assert_eq!(authority("http://chat.example/"), Some("chat.example:80".to_owned()));
        assert_eq!(authority("https://chat.example"), None);
        assert_eq!(authority("http://chat.example/api"), None);
    }
}
