//! A client of SockJS over HTTP, one transport at a time, with the native protocol in it.
//! It reads frames as the protocol has them and does nothing by itself that a test did not ask for.

use std::collections::VecDeque;

use awc::http::Method;
use bytes::Bytes;
use futures_util::StreamExt;
use serde_json::{Value, json};

use super::http::{Answer, Http};
use super::server::Server;
use super::{PATIENCE, within};

/// Where the native protocol is spoken on SockJS.
pub(crate) const SERVICE: &str = "/api/sockjs";

/// A transport over HTTP.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Transport {
    Xhr,
    XhrStreaming,
    EventSource,
    HtmlFile,
    Jsonp,
}

impl Transport {
    pub(crate) const ALL: [Transport; 5] = [
        Transport::Xhr,
        Transport::XhrStreaming,
        Transport::EventSource,
        Transport::HtmlFile,
        Transport::Jsonp,
    ];

    fn call(self) -> (Method, &'static str) {
        match self {
            Transport::Xhr => (Method::POST, "xhr"),
            Transport::XhrStreaming => (Method::POST, "xhr_streaming"),
            Transport::EventSource => (Method::GET, "eventsource"),
            Transport::HtmlFile => (Method::GET, "htmlfile?c=cb"),
            Transport::Jsonp => (Method::GET, "jsonp?c=cb"),
        }
    }

    fn polls(self) -> bool {
        matches!(self, Transport::Xhr | Transport::Jsonp)
    }

    /// What stands around a frame, and whether the frame is a JavaScript string there.
    fn around(self) -> (&'static str, &'static str, bool) {
        match self {
            Transport::Xhr | Transport::XhrStreaming => ("", "\n", false),
            Transport::EventSource => ("data: ", "\r\n\r\n", false),
            Transport::HtmlFile => ("<script>\np(", ");\n</script>\r\n", true),
            Transport::Jsonp => ("/**/cb(", ");\r\n", true),
        }
    }
}

/// A response that does not end by itself.
pub(crate) struct Stream {
    response: awc::ClientResponse,
    text: String,
}

impl Stream {
    /// Asks for a stream; gives it with its status.
    pub(crate) async fn open(address: &str, method: Method, path: &str) -> Stream {
        let client = awc::Client::builder().timeout(2 * PATIENCE).finish();
        let request = client.request(method, format!("http://{address}{path}")).force_close();
        let response = within("a stream", request.send()).await.unwrap();
        assert_eq!(response.status().as_u16(), 200, "{path}");
        Stream { response: response.timeout(10 * PATIENCE).map_body(|_, body| body), text: String::new() }
    }

    /// Everything up to the next `end`; nothing once the response is over.
    pub(crate) async fn until(&mut self, end: &str) -> Option<String> {
        loop {
            if let Some((piece, rest)) = self.text.split_once(end) {
                let (piece, rest) = (piece.to_owned(), rest.to_owned());
                self.text = rest;
                return Some(piece);
            }
            let bytes: Bytes = within("more of a stream", self.response.next()).await?.unwrap();
            self.text.push_str(std::str::from_utf8(&bytes).unwrap());
        }
    }
}

/// One session.
pub(crate) struct SockJs {
    http: Http,
    address: String,
    path: String,
    transport: Transport,
    stream: Option<Stream>,
    messages: VecDeque<Value>,
    asked: u64,
}

impl SockJs {
    /// A session of that name, which nobody has asked for yet.
    pub(crate) fn new(server: &Server, transport: Transport, name: &str) -> SockJs {
        SockJs {
            http: Http::to(server),
            address: server.address(),
            path: format!("{SERVICE}/000/{name}"),
            transport,
            stream: None,
            messages: VecDeque::new(),
            asked: 0,
        }
    }

    /// An open session.
    pub(crate) async fn open(server: &Server, transport: Transport, name: &str) -> SockJs {
        let mut session = SockJs::new(server, transport, name);
        assert_eq!(session.frame().await, "o", "{transport:?}");
        session
    }

    /// One request that receives, as it is answered.
    pub(crate) async fn poll(&self) -> Answer {
        let (method, path) = self.transport.call();
        self.http.call(method, &format!("{}/{path}", self.path)).answer().await
    }

    /// The next frame, whatever response brings it.
    pub(crate) async fn frame(&mut self) -> String {
        if self.transport.polls() {
            let answer = self.poll().await;
            assert_eq!(answer.status, 200, "{answer:?}");
            let (_, end, _) = self.transport.around();
            return self.unwrapped(answer.text().strip_suffix(end).unwrap());
        }
        loop {
            let (_, end, _) = self.transport.around();
            if let Some(frame) = self.stream().await.until(end).await {
                return self.unwrapped(&frame);
            }
            self.stream = None;
        }
    }

    /// The stream that is open, or a new one behind its prelude.
    pub(crate) async fn stream(&mut self) -> &mut Stream {
        if self.stream.is_none() {
            let (method, path) = self.transport.call();
            let mut stream = Stream::open(&self.address, method, &format!("{}/{path}", self.path)).await;
            let prelude_end = match self.transport {
                Transport::XhrStreaming => "h\n",
                Transport::EventSource => "\r\n",
                Transport::HtmlFile => "</script>",
                Transport::Xhr | Transport::Jsonp => unreachable!("these poll"),
            };
            stream.until(prelude_end).await.unwrap();
            self.stream = Some(stream);
        }
        self.stream.as_mut().unwrap()
    }

    /// Breaks off what receives.
    pub(crate) fn break_off(&mut self) {
        self.stream = None;
    }

    fn unwrapped(&self, text: &str) -> String {
        let (start, _, is_string) = self.transport.around();
        let frame = text.trim_start().strip_prefix(start).unwrap_or_else(|| panic!("what is {text:?}?"));
        match is_string {
            true => serde_json::from_str(frame).unwrap(),
            false => frame.to_owned(),
        }
    }

    /// The next message, signs of life passed over.
    pub(crate) async fn message(&mut self) -> Value {
        while self.messages.is_empty() {
            let frame = self.frame().await;
            let Some(array) = frame.strip_prefix('a') else {
                assert_eq!(frame, "h", "no message came");
                continue;
            };
            let texts: Vec<String> = serde_json::from_str(array).unwrap();
            self.messages.extend(texts.iter().map(|text| serde_json::from_str::<Value>(text).unwrap()));
        }
        self.messages.pop_front().unwrap()
    }

    /// The next message of a type, others passed over.
    pub(crate) async fn of_type(&mut self, kind: &str) -> Value {
        loop {
            let message = self.message().await;
            if message["type"] == kind {
                return message;
            }
        }
    }

    /// The next record of a kind, others passed over.
    pub(crate) async fn record_of_kind(&mut self, kind: &str) -> Value {
        loop {
            let record = self.of_type("record").await;
            if record["kind"] == kind {
                return record;
            }
        }
    }

    /// Sends a body as it is.
    pub(crate) async fn send(&self, body: impl Into<Bytes>) -> Answer {
        let call = |path| self.http.call(Method::POST, &format!("{}/{path}", self.path));
        match self.transport {
            Transport::Jsonp => call("jsonp_send").body("text/plain", body).answer().await,
            _ => call("xhr_send").body("text/plain", body).answer().await,
        }
    }

    /// Says messages of the native protocol in one request.
    pub(crate) async fn tell(&self, messages: &[Value]) {
        let texts: Vec<String> = messages.iter().map(Value::to_string).collect();
        let answer = self.send(json!(texts).to_string()).await;
        assert!(matches!(answer.status, 200 | 204), "{answer:?}");
    }

    /// Asks for something and gives the answer.
    pub(crate) async fn ask(&mut self, kind: &str, fields: Value) -> Value {
        self.asked += 1;
        let id = json!(self.asked.to_string());
        let mut request = fields;
        (request["type"], request["id"]) = (json!(kind), id.clone());
        self.tell(&[request]).await;
        loop {
            let message = self.message().await;
            if message["id"] == id {
                return message;
            }
        }
    }
}
