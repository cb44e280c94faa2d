//! Server-sent events, parsed as a browser parses them.
//! It does not reconnect by itself; a test does, with the position it wants to give.

use bytes::{Buf, BytesMut};
use futures_util::StreamExt;
use serde_json::Value;

use super::http::{Http, User};
use super::server::Server;
use super::{PATIENCE, within};

/// One event: its name, its id where it has one, its data.
#[derive(Debug)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) id: Option<String>,
    pub(crate) data: Value,
}

/// What a stream brings.
#[derive(Debug)]
pub(crate) enum Heard {
    Event(Event),
    Comment,
    End,
}

/// An open event stream of a room.
pub(crate) struct Events {
    response: awc::ClientResponse,
    buffer: BytesMut,
}

impl Events {
    /// Opens the stream of a room with a query (may be empty) and perhaps a `Last-Event-ID`.
    pub(crate) async fn open(
        server: &Server,
        room: &str,
        query: &str,
        last_event_id: Option<&str>,
    ) -> Events {
        Events::try_open(&server.address(), room, query, last_event_id).await.unwrap()
    }

    /// Opens the stream of a room in somebody's name.
    pub(crate) async fn of(server: &Server, room: &str, user: &User) -> Events {
        let bearer = format!("Bearer {}", user.token);
        Events::open_with(server, room, &[("authorization", &bearer)]).await
    }

    /// Opens the stream of a server that may be away.
    pub(crate) async fn try_open(
        address: &str,
        room: &str,
        query: &str,
        last_event_id: Option<&str>,
    ) -> Result<Events, String> {
        let headers: Vec<_> = last_event_id.iter().map(|id| ("last-event-id", *id)).collect();
        Events::begin(address, room, query, &headers).await
    }

    /// Opens the stream of a room with these headers.
    pub(crate) async fn open_with(server: &Server, room: &str, headers: &[(&str, &str)]) -> Events {
        Events::begin(&server.address(), room, "", headers).await.unwrap()
    }

    async fn begin(
        address: &str,
        room: &str,
        query: &str,
        headers: &[(&str, &str)],
    ) -> Result<Events, String> {
        let client = awc::Client::builder().timeout(2 * PATIENCE).finish();
        let url = format!("http://{address}/api/rooms/{room}/events{query}");
        let mut request = client.get(url).force_close().insert_header(("accept", "text/event-stream"));
        for header in headers {
            request = request.insert_header(*header);
        }
        let response = within("an event stream", request.send()).await.map_err(|error| error.to_string())?;
        assert_eq!(response.status().as_u16(), 200);
        let content_type = response.headers().get("content-type").unwrap().to_str().unwrap();
        assert!(content_type.starts_with("text/event-stream"), "{content_type}");
        // The stream lives as long as the test reads it.
        let response = response.timeout(10 * PATIENCE).map_body(|_, body| body);
        Ok(Events { response, buffer: BytesMut::new() })
    }

    /// The next event or comment.
    pub(crate) async fn hear(&mut self) -> Heard {
        within("an event", self.read()).await
    }

    /// The next event, comments passed over.
    pub(crate) async fn event(&mut self) -> Event {
        loop {
            match self.hear().await {
                Heard::Event(event) => return event,
                Heard::Comment => {}
                Heard::End => panic!("the event stream ended"),
            }
        }
    }

    /// The next event, which must be a record: the record.
    pub(crate) async fn record(&mut self) -> Value {
        let event = self.event().await;
        assert_eq!(event.name, "record", "{event:?}");
        let id = event.id.as_deref().unwrap();
        let seq = id.rsplit_once(':').unwrap().1;
        assert_eq!(seq, event.data["seq"].to_string(), "the id of an event is its record's position");
        event.data
    }

    async fn read(&mut self) -> Heard {
        loop {
            if let Some(block) = self.take_block() {
                match parse(&block) {
                    Some(heard) => return heard,
                    None => continue,
                }
            }
            match self.response.next().await {
                Some(Ok(chunk)) => self.buffer.extend_from_slice(&chunk),
                // A killed server ends its streams in the middle.
                Some(Err(_)) | None => return Heard::End,
            }
        }
    }

    fn take_block(&mut self) -> Option<String> {
        let end = self.buffer.windows(2).position(|pair| pair == b"\n\n")?;
        let block = self.buffer.split_to(end);
        self.buffer.advance(2);
        Some(String::from_utf8(block.to_vec()).unwrap())
    }
}

/// The first event of a room's stream, with the stream.
pub(crate) async fn joined(
    server: &Server,
    room: &str,
    query: &str,
    last_event_id: Option<&str>,
) -> (Events, Value) {
    let mut events = Events::open(server, room, query, last_event_id).await;
    let first = events.event().await;
    assert_eq!(first.name, "joined", "{first:?}");
    let now = Http::to(server).look_at(room).await;
    assert_eq!(first.data["room"]["id"], now["id"]);
    (events, first.data)
}

fn parse(block: &str) -> Option<Heard> {
    let mut name = String::from("message");
    let mut id = None;
    let mut data: Vec<&str> = Vec::new();
    let mut commented = false;
    for line in block.lines() {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => commented = true,
            "event" => name = value.to_owned(),
            "id" => id = Some(value.to_owned()),
            "data" => data.push(value),
            _ => {}
        }
    }
    if data.is_empty() {
        return commented.then_some(Heard::Comment);
    }
    let data = serde_json::from_str(&data.join("\n")).unwrap();
    Some(Heard::Event(Event { name, id, data }))
}
