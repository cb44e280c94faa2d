//! A room's events over HTTP, as server-sent events: opens the stream and cuts it into events.
//! Resumes nothing by itself; where it ended is the caller's to remember.

use std::collections::VecDeque;
use std::pin::Pin;

use awc::error::PayloadError;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::time::timeout;

use super::http::{Failure, Http};

/// One event of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StreamEvent {
    /// What kind it is.
    pub name: String,
    /// Its text.
    pub data: String,
}

/// Something that came over a stream.
#[derive(Debug, PartialEq, Eq)]
pub enum StreamItem {
    /// An event.
    Event(StreamEvent),
    /// Bytes that did not complete one, such as a heart-beat.
    Alive,
}

/// An open stream of events.
pub struct EventStream {
    body: Pin<Box<dyn Stream<Item = Result<Bytes, PayloadError>>>>,
    parser: Parser,
}

impl EventStream {
    /// Opens the stream at an address.
    pub async fn open(http: &Http, address: &str) -> Result<Self, Failure> {
        let opened = timeout(http.patience(), http.stream(address).send()).await;
        let mut response = opened
            .map_err(|_| Failure::Unanswered("it took too long".to_owned()))?
            .map_err(|error| Failure::Unanswered(error.to_string()))?;
        if !response.status().is_success() {
            let problem = timeout(http.patience(), response.json()).await;
            let problem = problem.map(Result::unwrap_or_default).unwrap_or_default();
            return Err(Failure::Refused { status: response.status().as_u16(), problem });
        }
        Ok(Self { body: Box::pin(response), parser: Parser::default() })
    }

    /// The next thing that comes; `None` once the stream has ended. May be dropped and called again.
    pub async fn next(&mut self) -> Option<StreamItem> {
        if let Some(event) = self.parser.events.pop_front() {
            return Some(StreamItem::Event(event));
        }
        let bytes = self.body.next().await?.ok()?;
        self.parser.take(&bytes);
        Some(self.parser.events.pop_front().map_or(StreamItem::Alive, StreamItem::Event))
    }
}

/// Cuts bytes into events.
#[derive(Default)]
struct Parser {
    line: Vec<u8>,
    event: StreamEvent,
    events: VecDeque<StreamEvent>,
}

impl Parser {
    fn take(&mut self, bytes: &[u8]) {
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.line.extend(part);
            if self.line.ends_with(b"\n") {
                let line = std::mem::take(&mut self.line);
                self.take_line(String::from_utf8_lossy(&line).trim_end_matches(['\r', '\n']));
            }
        }
    }

    fn take_line(&mut self, line: &str) {
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" if line.is_empty() => self.end_event(),
            "event" => value.clone_into(&mut self.event.name),
            "data" => self.event.data.push_str(value),
            // A comment, or the id, which is in the data too.
            _ => {}
        }
    }

    fn end_event(&mut self) {
        let event = std::mem::take(&mut self.event);
        if !event.data.is_empty() {
            self.events.push_back(event);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_cut_wherever_the_bytes_are() {
        let text =
            ": heart-beat\n\nevent: joined\ndata: {}\n\nid: e:3\nevent: record\ndata: {\"a\":\"b: c\"}\n\n";
        for length in 1..text.len() {
            let mut parser = Parser::default();
            text.as_bytes().chunks(length).for_each(|bytes| parser.take(bytes));
            let event = |name: &str, data: &str| StreamEvent { name: name.into(), data: data.into() };
            assert_eq!(parser.events, [event("joined", "{}"), event("record", "{\"a\":\"b: c\"}")]);
        }
    }
}
