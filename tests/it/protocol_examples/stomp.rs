//! Examples of STOMP: frames behind `>` and `<`, each up to `^@`, and `< close` with the code of the close.
//! A frame that is heard must have the headers and the body that are shown, and may have more.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use super::names::{Names, parsed};
use crate::support::server::Server;
use crate::support::within;

/// How an example shows NUL.
const NUL: &str = "^@";

/// A frame as an example shows it, or as it came.
#[derive(Debug)]
struct Frame {
    command: String,
    headers: Vec<(String, String)>,
    body: String,
}

/// Replays one example on a connection of its own.
pub(super) async fn replay(server: &Server, example: &str, names: &mut Names) {
    let address: SocketAddr = server.address().parse().unwrap();
    let tcp = within("a connection", TcpStream::connect(address)).await.unwrap();
    let url = format!("ws://{address}/ws");
    let (mut socket, _) = within("a handshake", tokio_tungstenite::client_async(url, tcp)).await.unwrap();
    let mut heard = Vec::new();
    for step in example.split_inclusive(&format!("{NUL}\n")) {
        match step.split_at(2) {
            ("> ", frame) => {
                let frame = names.filled_in(frame.trim_end()).replace(NUL, "\0");
                within("room to send", socket.send(Message::text(frame))).await.unwrap();
            }
            ("< ", end) if end.starts_with("close ") => is_closed(&mut socket, end, &heard).await,
            ("< ", frame) => hear(&mut socket, &mut heard, &Frame::read(frame.trim_end(), NUL), names).await,
            _ => panic!("neither sent nor heard: {step}"),
        }
    }
}

/// Hears until a frame fits; RECEIPTs may overtake MESSAGEs.
async fn hear(
    socket: &mut WebSocketStream<TcpStream>,
    heard: &mut Vec<Frame>,
    expected: &Frame,
    names: &mut Names,
) {
    loop {
        if let Some(index) = heard.iter().position(|found| expected.fits(found, &mut names.clone())) {
            expected.fits(&heard.remove(index), names);
            return;
        }
        match within("a frame", socket.next()).await {
            Some(Ok(Message::Text(text))) => heard.push(Frame::read(&text, "\0")),
            Some(Ok(Message::Ping(_))) => {}
            end => panic!("{end:?} while waiting for {expected:?}; heard {heard:?}"),
        }
    }
}

/// Hears the close, and nothing before it that an example should have shown.
async fn is_closed(socket: &mut WebSocketStream<TcpStream>, end: &str, heard: &[Frame]) {
    let code = end.trim_start_matches("close ").trim_end();
    match within("a close", socket.next()).await {
        Some(Ok(Message::Close(Some(frame)))) => assert_eq!(u16::from(frame.code).to_string(), code),
        other => panic!("{other:?} instead of a close with {code}; heard {heard:?}"),
    }
}

impl Frame {
    fn read(text: &str, nul: &str) -> Self {
        let text = text.strip_suffix(nul).unwrap_or_else(|| panic!("no end of the frame in {text}"));
        let (head, body) = text.split_once("\n\n").unwrap_or_else(|| panic!("no end of headers in {text}"));
        let mut lines = head.lines();
        let command = lines.next().unwrap().to_owned();
        let headers = lines.map(|line| line.split_once(':').expect(line));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Self { command, headers, body: body.to_owned() }
    }

    /// Whether another frame has everything that this one shows.
    fn fits(&self, found: &Self, names: &mut Names) -> bool {
        self.command == found.command
            && self.headers.iter().all(|(name, value)| {
                let mut same = found.headers.iter().filter(|(found, _)| found == name);
                same.next().is_some_and(|(_, found)| names.match_text(value, found))
            })
            && match self.body.as_str() {
                "" => found.body.is_empty(),
                json if json.starts_with('{') => {
                    found.body.starts_with('{') && names.match_up(&parsed(json), &parsed(&found.body))
                }
                text => names.match_text(text, &found.body),
            }
    }
}
