//! A client of the native WebSocket: asks and waits for the reply, keeps what is pushed meanwhile.
//! It never reconnects; `talker` does.

use std::collections::VecDeque;
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::http::{User, text, user_from};
use super::server::Server;
use super::within;

/// What a socket brings.
#[derive(Debug)]
pub(crate) enum Heard {
    Json(Value),
    /// Closed by the server with a code; 1005 where it gave none.
    Closed(u16),
    /// Cut without a close frame.
    Cut,
}

/// How a socket is opened.
#[derive(Default)]
pub(crate) struct Opening<'a> {
    /// Headers beside those of the handshake.
    pub(crate) headers: &'a [(&'a str, &'a str)],
    /// SO_RCVBUF, where the kernel's own choice is too generous.
    pub(crate) receive_buffer: Option<u32>,
}

/// A refusal of the handshake: the HTTP status and the body.
#[derive(Debug)]
pub(crate) struct NotUpgraded {
    pub(crate) status: u16,
    pub(crate) body: String,
}

/// An open socket.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    replies: Vec<Value>,
    pushes: VecDeque<Value>,
    asked: u64,
}

impl Socket {
    /// Opens `/api/socket`, without `connect`.
    pub(crate) async fn open(server: &Server) -> Socket {
        Socket::open_as(server, Opening::default()).await.unwrap()
    }

    /// Opens `/api/socket` in a given way.
    pub(crate) async fn open_as(server: &Server, how: Opening<'_>) -> Result<Socket, NotUpgraded> {
        match within("a handshake", upgrade(&server.address(), how)).await {
            Ok(socket) => Ok(socket),
            Err(Error::Http(response)) => Err(NotUpgraded {
                status: response.status().as_u16(),
                body: String::from_utf8_lossy(response.body().as_deref().unwrap_or_default()).into_owned(),
            }),
            Err(error) => panic!("no handshake: {error}"),
        }
    }

    /// Opens `/api/socket` of a server that may be away.
    pub(crate) async fn try_open(address: &str) -> Result<Socket, String> {
        within("a handshake", upgrade(address, Opening::default())).await.map_err(|error| error.to_string())
    }

    /// A socket that is connected as `user`.
    pub(crate) async fn of(server: &Server, user: &User) -> Socket {
        let mut socket = Socket::open(server).await;
        socket.connect(user).await;
        socket
    }

    /// A socket that is connected as a new guest.
    pub(crate) async fn guest(server: &Server, nickname: &str) -> (Socket, User) {
        let mut socket = Socket::open(server).await;
        let connected = socket.ask("connect", json!({ "nickname": nickname })).await;
        assert_eq!(connected["type"], "connected", "{connected}");
        (socket, user_from(&connected))
    }

    /// Connects as `user`.
    pub(crate) async fn connect(&mut self, user: &User) -> Value {
        let connected = self.ask("connect", json!({ "token": user.token })).await;
        assert_eq!(connected["type"], "connected", "{connected}");
        connected
    }

    /// Joins a room with nothing old; gives `joined`.
    pub(crate) async fn join(&mut self, room: &str) -> Value {
        self.join_with(room, json!({})).await
    }

    /// Joins a room with `after` or `last`; gives `joined`.
    pub(crate) async fn join_with(&mut self, room: &str, more: Value) -> Value {
        let joined = self.ask("join", merged(json!({ "room": room }), more)).await;
        assert_eq!(joined["type"], "joined", "{joined}");
        joined
    }

    /// Sends a message and gives its ack.
    pub(crate) async fn say(&mut self, room: &str, body: &str) -> Value {
        self.say_with(room, body, json!({})).await
    }

    /// Sends a message with more fields and gives its ack.
    pub(crate) async fn say_with(&mut self, room: &str, body: &str, more: Value) -> Value {
        let ack = self.ask("send", merged(json!({ "room": room, "body": body }), more)).await;
        assert_eq!(ack["type"], "ack", "{ack}");
        ack
    }

    /// Sends a request with a fresh id and gives the reply to it.
    pub(crate) async fn ask(&mut self, kind: &str, fields: Value) -> Value {
        let id = self.begin(kind, fields).await;
        self.reply(&id).await
    }

    /// Sends a request and does not wait; gives its id.
    pub(crate) async fn begin(&mut self, kind: &str, fields: Value) -> Value {
        self.asked += 1;
        let id = Value::from(self.asked);
        self.tell(merged(json!({ "type": kind, "id": id }), fields)).await;
        id
    }

    /// Waits for the reply to a request.
    pub(crate) async fn reply(&mut self, id: &Value) -> Value {
        loop {
            if let Some(at) = self.replies.iter().position(|reply| &reply["id"] == id) {
                return self.replies.remove(at);
            }
            self.fetch("a reply").await;
        }
    }

    /// Asks for something that must be refused with `code`; gives the `error`.
    pub(crate) async fn refused(&mut self, kind: &str, fields: Value, code: &str) -> Value {
        let error = self.ask(kind, fields).await;
        assert_refusal(&error, code);
        error
    }

    /// Asks for something that must be refused because of one field.
    pub(crate) async fn invalid(&mut self, kind: &str, fields: Value, field: &str) {
        let error = self.refused(kind, fields, "invalid").await;
        assert_eq!(error["field"], field, "{error}");
    }

    /// The next push of this type; earlier ones of other types stay for later.
    pub(crate) async fn push(&mut self, kind: &str) -> Value {
        loop {
            if let Some(at) = self.pushes.iter().position(|push| push["type"] == kind) {
                return self.pushes.remove(at).unwrap();
            }
            self.fetch(kind).await;
        }
    }

    /// The next record, alone or out of a batch, without its `type`.
    pub(crate) async fn record(&mut self) -> Value {
        let mut record = self.push("record").await;
        record.as_object_mut().unwrap().remove("type");
        record
    }

    /// The next `count` records.
    pub(crate) async fn records(&mut self, count: usize) -> Vec<Value> {
        let mut records = Vec::with_capacity(count);
        while records.len() < count {
            records.push(self.record().await);
        }
        records
    }

    /// What was pushed and not yet taken.
    pub(crate) fn waiting_pushes(&self) -> impl Iterator<Item = &Value> {
        self.pushes.iter()
    }

    /// The next refusal that answers no request by id.
    pub(crate) async fn error(&mut self, code: &str) -> Value {
        let error = self.push("error").await;
        assert_refusal(&error, code);
        error
    }

    /// Hears on until the server closes: the code, or `None` for a plain cut.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        loop {
            match self.hear().await {
                Heard::Json(value) => self.keep(value),
                Heard::Closed(code) => return Some(code),
                Heard::Cut => return None,
            }
        }
    }

    /// Hears on until the server closes as it wants: `closing` tells the code before.
    pub(crate) async fn is_closed_with(&mut self, code: u16) {
        assert_eq!(self.close_code().await, Some(code));
        let told = self.pushes.iter().find(|push| push["type"] == "closing");
        let told = told.unwrap_or_else(|| panic!("closed with {code} and no word before: {:?}", self.pushes));
        assert_eq!(told["code"], code, "{told}");
        assert!(told["reason"].is_string() && told["retry_after_ms"].is_u64(), "{told}");
    }

    /// What comes next, as it comes.
    pub(crate) async fn hear(&mut self) -> Heard {
        within("something to hear", self.hear_patiently()).await
    }

    /// What comes next, however long it takes. May be dropped and called again; nothing is lost.
    pub(crate) async fn hear_patiently(&mut self) -> Heard {
        loop {
            match self.stream.next().await {
                Some(Ok(Message::Text(text))) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    assert!(value["type"].is_string(), "a message without a type: {value}");
                    return Heard::Json(value);
                }
                Some(Ok(Message::Close(frame))) => {
                    return Heard::Closed(frame.map_or(1005, |frame| frame.code.into()));
                }
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                Some(Ok(other)) => panic!("the server sent {other:?}"),
                Some(Err(Error::Io(_) | Error::ConnectionClosed | Error::AlreadyClosed)) | None => {
                    return Heard::Cut;
                }
                Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => {
                    return Heard::Cut;
                }
                Some(Err(error)) => panic!("the server broke the protocol: {error}"),
            }
        }
    }

    /// Sends a JSON value as it is.
    pub(crate) async fn tell(&mut self, value: Value) {
        self.transmit(Message::text(value.to_string())).await;
    }

    /// Sends a JSON value to a server that may have cut the socket.
    pub(crate) async fn try_tell(&mut self, value: Value) -> Result<(), Error> {
        within("room on the wire", self.stream.send(Message::text(value.to_string()))).await
    }

    /// Sends any text.
    pub(crate) async fn tell_text(&mut self, text: &str) {
        self.transmit(Message::text(text.to_owned())).await;
    }

    /// Sends any message.
    pub(crate) async fn transmit(&mut self, message: Message) {
        self.try_transmit(message).await.unwrap();
    }

    /// Sends any message to a server that may be away.
    pub(crate) async fn try_transmit(&mut self, message: Message) -> Result<(), String> {
        within("room to send", self.stream.send(message)).await.map_err(|error| error.to_string())
    }

    /// Closes from this side with 1000 and gives the server's code.
    pub(crate) async fn close(mut self) -> Option<u16> {
        let farewell = CloseFrame { code: CloseCode::Normal, reason: "".into() };
        within("room to close", self.stream.close(Some(farewell))).await.unwrap();
        self.close_code().await
    }

    async fn fetch(&mut self, what: &str) {
        match self.hear().await {
            Heard::Json(value) => self.keep(value),
            end => panic!("waited for {what} and got {end:?}; pushed before: {:?}", self.pushes),
        }
    }

    fn keep(&mut self, value: Value) {
        if value["type"] == "records" {
            for record in records_of(&value) {
                self.pushes.push_back(merged(json!({ "type": "record" }), record));
            }
        } else if value.get("id").is_some() {
            self.replies.push(value);
        } else {
            self.pushes.push_back(value);
        }
    }
}

/// The records of a `record` or `records` push, none for anything else.
pub(crate) fn records_of(push: &Value) -> Vec<Value> {
    match push["type"].as_str() {
        Some("record") => {
            let mut record = push.clone();
            record.as_object_mut().unwrap().remove("type");
            vec![record]
        }
        Some("records") => {
            let records = push["records"].as_array().unwrap();
            for record in records {
                assert_eq!(record["room"], push["room"], "a record of another room in {push}");
            }
            records.clone()
        }
        _ => Vec::new(),
    }
}

/// Panics unless `error` is a well-formed refusal with this code.
pub(crate) fn assert_refusal(error: &Value, code: &str) {
    assert_eq!(error["type"], "error", "expected {code}: {error}");
    assert_eq!(error["code"], code, "{error}");
    assert!(!text(&error["message"]).is_empty(), "{error}");
    let retry = text(&error["retry"]);
    assert!(["no", "later", "reconnect"].contains(&retry.as_str()), "{error}");
}

/// The fields of two objects; those of `more` win.
pub(crate) fn merged(mut base: Value, more: Value) -> Value {
    let fields = base.as_object_mut().unwrap();
    let Value::Object(more) = more else { panic!("not an object: {more}") };
    fields.extend(more);
    base
}

async fn upgrade(address: &str, how: Opening<'_>) -> Result<Socket, Error> {
    let mut request = format!("ws://{address}/api/socket").into_client_request()?;
    for (name, value) in how.headers {
        let name = HeaderName::try_from(*name).unwrap();
        request.headers_mut().insert(name, HeaderValue::try_from(*value).unwrap());
    }
    let tcp = TcpSocket::new_v4()?;
    if let Some(bytes) = how.receive_buffer {
        tcp.set_recv_buffer_size(bytes)?;
    }
    let address: SocketAddr = address.parse().unwrap();
    let tcp = tcp.connect(address).await?;
    tcp.set_nodelay(true)?;
    let (stream, _) = tokio_tungstenite::client_async(request, tcp).await?;
    Ok(Socket { stream, replies: Vec::new(), pushes: VecDeque::new(), asked: 0 })
}
