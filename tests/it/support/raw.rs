//! Bytes on a TCP connection, and a WebSocket spoken by hand, for what no well-behaved client would do.
//! It answers nothing by itself: not a ping, not a close.

use std::io;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::server::Server;
use super::within;

/// The HTTP status that `GET path` gets, or `None` when nobody answers.
pub(crate) async fn status_of(port: u16, path: &str) -> Option<u16> {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let answer = exchange(port, request.as_bytes()).await.ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

/// Writes `bytes` to the server's port and reads all that comes until it closes.
pub(crate) async fn exchange(port: u16, bytes: &[u8]) -> io::Result<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    // A reset after an answer is still an answer.
    let _ = within("an answer to raw bytes", stream.read_to_end(&mut answer)).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// The operation codes of RFC 6455.
pub(crate) mod opcode {
    pub(crate) const CONTINUATION: u8 = 0x0;
    pub(crate) const TEXT: u8 = 0x1;
    pub(crate) const CLOSE: u8 = 0x8;
    pub(crate) const PING: u8 = 0x9;
    pub(crate) const PONG: u8 = 0xa;
}

/// One frame from the server.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Frame {
    /// The code of a close frame, 1005 where it has none.
    pub(crate) fn close_code(&self) -> u16 {
        match self.payload[..] {
            [high, low, ..] => u16::from_be_bytes([high, low]),
            _ => 1005,
        }
    }
}

/// A WebSocket after its handshake, frame by frame.
pub(crate) struct RawSocket {
    stream: TcpStream,
}

impl RawSocket {
    /// Opens `/api/socket`.
    pub(crate) async fn open(server: &Server) -> RawSocket {
        RawSocket::open_at(server, "/api/socket").await
    }

    /// Opens a socket at a path.
    pub(crate) async fn open_at(server: &Server, path: &str) -> RawSocket {
        let mut stream = TcpStream::connect(server.address()).await.unwrap();
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
            server.address()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let byte = within("the handshake", stream.read_u8()).await.unwrap();
            head.push(byte);
        }
        assert!(head.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&head));
        RawSocket { stream }
    }

    /// Sends one whole, masked frame.
    pub(crate) async fn send(&mut self, opcode: u8, payload: &[u8]) {
        self.write(&frame(opcode, payload)).await.unwrap();
    }

    /// Sends a JSON text.
    pub(crate) async fn send_text(&mut self, text: &str) {
        self.send(opcode::TEXT, text.as_bytes()).await;
    }

    /// Sends bytes that need not be a frame.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        within("room for bytes on the wire", self.stream.write_all(bytes)).await
    }

    /// Sends bytes; the caller bounds how long.
    pub(crate) async fn write_now(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await
    }

    /// The next frame, or `None` when the server has cut the connection.
    pub(crate) async fn hear(&mut self) -> Option<Frame> {
        within("a frame", self.read_frame()).await.ok()
    }

    /// Hears on, without answering anything, until the server closes: its code, or `None` for a plain cut.
    pub(crate) async fn close_code(&mut self) -> Option<u16> {
        while let Some(frame) = self.hear().await {
            if frame.opcode == opcode::CLOSE {
                return Some(frame.close_code());
            }
        }
        None
    }

    async fn read_frame(&mut self) -> io::Result<Frame> {
        let first = self.stream.read_u8().await?;
        let second = self.stream.read_u8().await?;
        assert_eq!(second & 0x80, 0, "a server's frame is never masked");
        let length = match second {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; usize::try_from(length).unwrap()];
        self.stream.read_exact(&mut payload).await?;
        Ok(Frame { opcode: first & 0x0f, payload })
    }
}

/// A whole, masked frame.
pub(crate) fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    frame_with_first_byte(0x80 | opcode, payload)
}

/// A masked frame whose first byte (FIN, reserved bits, operation code) is the caller's.
pub(crate) fn frame_with_first_byte(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        short @ 0..=125 => bytes.push(0x80 | short as u8),
        medium @ 126..=0xffff => {
            bytes.push(0x80 | 126);
            bytes.extend((medium as u16).to_be_bytes());
        }
        long => {
            bytes.push(0x80 | 127);
            bytes.extend((long as u64).to_be_bytes());
        }
    }
    // A mask of zeros is a mask, and leaves the payload readable in a dump.
    bytes.extend([0; 4]);
    bytes.extend(payload);
    bytes
}
