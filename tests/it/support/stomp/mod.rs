//! A STOMP client over a raw WebSocket: writes frames, waits for some and keeps the others.
//! It sends no heart-beats and never reconnects by itself.

mod frame;

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};

pub(crate) use frame::{Frame, LATER, VERSIONS, written};

use super::http::User;
use super::server::Server;
use super::socket::merged;
use super::within;

/// Where refusals are heard.
pub(crate) const ERRORS: &str = "/user/queue/errors";

/// What a connection brings.
#[derive(Debug)]
pub(crate) enum Heard {
    Frame(Frame),
    Beat,
    /// Closed by the server with a code; 1005 where it gave none.
    Closed(u16),
    /// Cut without a close frame.
    Cut,
}

/// How a connection is opened.
#[derive(Clone, Copy)]
pub(crate) struct Opening<'a> {
    pub(crate) path: &'a str,
    /// The offered sub-protocols, with commas between.
    pub(crate) protocols: Option<&'a str>,
    /// SO_RCVBUF, where the kernel's own choice is too generous.
    pub(crate) receive_buffer: Option<u32>,
}

impl Default for Opening<'_> {
    fn default() -> Self {
        Opening { path: "/ws", protocols: None, receive_buffer: None }
    }
}

/// An open connection.
pub(crate) struct Stomp {
    stream: WebSocketStream<TcpStream>,
    /// The sub-protocol that the server chose.
    pub(crate) protocol: Option<String>,
    version: String,
    buffer: Vec<u8>,
    kept: VecDeque<Frame>,
    receipts: u64,
}

impl Stomp {
    /// Opens `/ws`, without CONNECT.
    pub(crate) async fn open(server: &Server) -> Stomp {
        Stomp::open_as(server, Opening::default()).await
    }

    /// Opens a connection in a given way.
    pub(crate) async fn open_as(server: &Server, how: Opening<'_>) -> Stomp {
        within("a handshake", upgrade(&server.address(), how)).await.unwrap()
    }

    /// A connection of `user` in the newest version.
    pub(crate) async fn of(server: &Server, user: &User) -> Stomp {
        Stomp::of_version(server, user, "1.2").await
    }

    /// A connection of `user` in a version.
    pub(crate) async fn of_version(server: &Server, user: &User, version: &str) -> Stomp {
        let mut stomp = Stomp::open(server).await;
        let connected = stomp.connect(version, &[("passcode", &user.token)]).await;
        assert_eq!(connected.header("user-id"), user.id, "{connected:?}");
        stomp
    }

    /// A connection of a new guest.
    pub(crate) async fn guest(server: &Server, nickname: &str) -> Stomp {
        let mut stomp = Stomp::open(server).await;
        stomp.connect("1.2", &[("login", nickname)]).await;
        stomp
    }

    /// Sends CONNECT with these versions and headers and gives CONNECTED.
    pub(crate) async fn connect(&mut self, versions: &str, headers: &[(&str, &str)]) -> Frame {
        self.send("CONNECT", &with(&[("accept-version", versions), ("host", "localhost")], headers), "")
            .await;
        self.connected().await
    }

    /// Waits for CONNECTED, and speaks its version from then on.
    pub(crate) async fn connected(&mut self) -> Frame {
        let connected = self.frame("CONNECTED").await;
        self.version = connected.header("version").to_owned();
        connected
    }

    /// Sends a CONNECT that must be refused, with this code in the ERROR and in the close frame.
    pub(crate) async fn is_refused(&mut self, headers: &[(&str, &str)], code: &str, close: u16) -> Frame {
        self.send("CONNECT", &with(&[("accept-version", "1.2")], headers), "").await;
        self.ends_with(code, close).await
    }

    /// The version that is spoken; 1.0 before CONNECTED.
    pub(crate) fn version(&self) -> &str {
        &self.version
    }

    /// Sends a frame, escaped as the version has it.
    pub(crate) async fn send(&mut self, command: &str, headers: &[(&str, &str)], body: &str) {
        let text = written(&self.version, command, headers, body);
        self.tell(&text).await;
    }

    /// Sends a frame with a receipt of its own, and gives its name.
    pub(crate) async fn ask(&mut self, command: &str, headers: &[(&str, &str)], body: &str) -> String {
        self.receipts += 1;
        let receipt = format!("r{}", self.receipts);
        self.send(command, &with(headers, &[("receipt", &receipt)]), body).await;
        receipt
    }

    /// Sends a frame and waits for its RECEIPT.
    pub(crate) async fn done(&mut self, command: &str, headers: &[(&str, &str)], body: &str) {
        let receipt = self.ask(command, headers, body).await;
        self.receipt(&receipt).await;
    }

    /// Sends a frame that must be refused with this code; gives the problem.
    pub(crate) async fn refused(
        &mut self,
        command: &str,
        headers: &[(&str, &str)],
        body: &str,
        code: &str,
    ) -> Value {
        let receipt = self.ask(command, headers, body).await;
        self.problem(code, &receipt).await
    }

    /// Listens for refusals, as most clients do at their start.
    pub(crate) async fn listen_for_errors(&mut self) {
        self.done("SUBSCRIBE", &[("id", "errors"), ("destination", ERRORS)], "").await;
    }

    /// Subscribes to a room under an id.
    pub(crate) async fn subscribe(&mut self, id: &str, room: &str, more: &[(&str, &str)]) {
        let topic = topic(room);
        self.done("SUBSCRIBE", &with(&[("id", id), ("destination", &topic)], more), "").await;
    }

    /// Becomes a member of a room.
    pub(crate) async fn join(&mut self, room: &str) {
        self.done("SEND", &[("destination", &chat(room))], r#"{"type":"JOIN"}"#).await;
    }

    /// Says something durably.
    pub(crate) async fn say(&mut self, room: &str, text: &str) {
        self.say_with(room, text, &[]).await;
    }

    /// Says something durably, with headers.
    pub(crate) async fn say_with(&mut self, room: &str, text: &str, more: &[(&str, &str)]) {
        self.done("SEND", &with(&[("destination", &chat(room))], more), &content(text)).await;
    }

    /// Waits for a RECEIPT.
    pub(crate) async fn receipt(&mut self, name: &str) {
        let frame =
            self.wanted(name, |frame| is(frame, "RECEIPT", "receipt-id", name) || is_refusal(frame, name));
        let frame = frame.await;
        assert_eq!(frame.command, "RECEIPT", "{frame:?}");
    }

    /// Waits for the problem with which the frame of this receipt was refused.
    pub(crate) async fn problem(&mut self, code: &str, receipt: &str) -> Value {
        let frame = self.wanted(code, |frame| is_refusal(frame, receipt)).await;
        assert_eq!(frame.header("subscription"), "errors", "{frame:?}");
        assert_eq!(frame.header("code"), code, "{frame:?}");
        assert!(frame.header("content-type").starts_with("application/problem+json"), "{frame:?}");
        let problem = frame.json();
        assert_eq!(problem["code"], code, "{problem}");
        assert!(problem["status"].is_u64() && problem["detail"].is_string(), "{problem}");
        problem
    }

    /// The next MESSAGE of a subscription.
    pub(crate) async fn message(&mut self, subscription: &str) -> Frame {
        let what = format!("a MESSAGE of {subscription}");
        self.wanted(&what, |frame| is(frame, "MESSAGE", "subscription", subscription)).await
    }

    /// The next `count` MESSAGEs of a subscription.
    pub(crate) async fn messages(&mut self, subscription: &str, count: usize) -> Vec<Frame> {
        let mut messages = Vec::with_capacity(count);
        while messages.len() < count {
            messages.push(self.message(subscription).await);
        }
        messages
    }

    /// The next frame with this command; others stay for later.
    pub(crate) async fn frame(&mut self, command: &str) -> Frame {
        self.wanted(command, |frame| frame.command == command).await
    }

    /// Hears on until the server ends the connection as it should: an ERROR with `code`, and this close code.
    pub(crate) async fn ends_with(&mut self, code: &str, close: u16) -> Frame {
        let error = self.frame("ERROR").await;
        assert_eq!(error.header("code"), code, "{error:?}");
        assert!(!error.header("message").is_empty(), "{error:?}");
        match self.hear().await {
            Heard::Closed(number) => assert_eq!(number, close, "{error:?}"),
            other => panic!("after an ERROR came {other:?}"),
        }
        error
    }

    /// Hears on until the connection ends: the code of the close, `None` for a plain cut.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.hear().await {
                Heard::Frame(frame) => self.kept.push_back(frame),
                Heard::Beat => {}
                Heard::Closed(code) => return Some(code),
                Heard::Cut => return None,
            }
        }
    }

    /// The positions of the MESSAGEs of a subscription that came and were not asked for.
    pub(crate) fn messages_there(&self, subscription: &str) -> Vec<String> {
        let of_it = self.kept.iter().filter(|frame| is(frame, "MESSAGE", "subscription", subscription));
        of_it.map(Frame::position).collect()
    }

    /// Frames that came and were not asked for.
    pub(crate) fn waiting(&self) -> impl Iterator<Item = &Frame> {
        self.kept.iter()
    }

    /// What comes next, as it comes.
    pub(crate) async fn hear(&mut self) -> Heard {
        within("something to hear", self.hear_patiently()).await
    }

    /// What comes next, however long it takes. May be dropped and called again; nothing is lost.
    pub(crate) async fn hear_patiently(&mut self) -> Heard {
        loop {
            match frame::take(&mut self.buffer, &self.version) {
                Some(frame::Item::Frame(frame)) => return Heard::Frame(frame),
                Some(frame::Item::Beat) => return Heard::Beat,
                None => {}
            }
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => self.buffer.extend(text.as_bytes()),
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("the server sent {other:?}"),
                Some(Err(Error::Io(_) | Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                    return Heard::Cut;
                }
                Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => return Heard::Cut,
                Some(Err(error)) => panic!("the server broke WebSocket: {error}"),
            }
        }
    }

    /// Sends any text.
    pub(crate) async fn tell(&mut self, text: &str) {
        self.transmit(Message::text(text.to_owned())).await;
    }

    /// Sends any message.
    pub(crate) async fn transmit(&mut self, message: Message) {
        within("room to send", self.stream.send(message)).await.unwrap();
    }

    /// Sends any text to a server that may have ended the connection; the caller bounds how long.
    pub(crate) async fn try_tell(&mut self, text: &str) -> Result<(), Error> {
        self.stream.send(Message::text(text.to_owned())).await
    }

    async fn wanted(&mut self, what: &str, is_it: impl Fn(&Frame) -> bool) -> Frame {
        if let Some(at) = self.kept.iter().position(&is_it) {
            return self.kept.remove(at).unwrap();
        }
        loop {
            match self.hear().await {
                Heard::Frame(frame) if is_it(&frame) => return frame,
                Heard::Frame(frame) => self.kept.push_back(frame),
                Heard::Beat => {}
                end => panic!("waited for {what} and got {end:?}; before that: {:?}", self.kept),
            }
        }
    }
}

/// Where something is said in a room.
pub(crate) fn chat(room: &str) -> String {
    format!("/app/chat/send/{room}")
}

/// Where a room is heard.
pub(crate) fn topic(room: &str) -> String {
    format!("/topic/chat/{room}")
}

/// The payload of a message.
pub(crate) fn content(text: &str) -> String {
    json!({ "type": "CHAT", "content": text }).to_string()
}

/// A payload with more fields.
pub(crate) fn content_with(text: &str, more: Value) -> String {
    merged(json!({ "content": text }), more).to_string()
}

/// Two lists of headers.
pub(crate) fn with<'a>(
    headers: &[(&'a str, &'a str)],
    more: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    [headers, more].concat()
}

fn is(frame: &Frame, command: &str, name: &str, value: &str) -> bool {
    frame.command == command && frame.find(name) == Some(value)
}

fn is_refusal(frame: &Frame, receipt: &str) -> bool {
    is(frame, "MESSAGE", "destination", ERRORS) && frame.find("receipt-id") == Some(receipt)
}

async fn upgrade(address: &str, how: Opening<'_>) -> Result<Stomp, Error> {
    let mut request = format!("ws://{address}{}", how.path).into_client_request()?;
    if let Some(protocols) = how.protocols {
        let value = HeaderValue::try_from(protocols).unwrap();
        request.headers_mut().insert("sec-websocket-protocol", value);
    }
    let tcp = TcpSocket::new_v4()?;
    if let Some(bytes) = how.receive_buffer {
        tcp.set_recv_buffer_size(bytes)?;
    }
    let address: SocketAddr = address.parse().unwrap();
    let tcp = tcp.connect(address).await?;
    tcp.set_nodelay(true)?;
    let (stream, response) = tokio_tungstenite::client_async(request, tcp).await?;
    let protocol = response.headers().get("sec-websocket-protocol");
    Ok(Stomp {
        stream,
        protocol: protocol.map(|value| value.to_str().unwrap().to_owned()),
        version: "1.0".to_owned(),
        buffer: Vec::new(),
        kept: VecDeque::new(),
        receipts: 0,
    })
}
