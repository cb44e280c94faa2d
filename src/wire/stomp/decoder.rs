//! Bytes to frames, however they are cut: several frames in one chunk, or one frame over many.
//! It keeps no more than its bounds allow, looks at each byte once, and never trusts an announced length.

use super::{
    Broken, Version,
    frame::{Command, Frame},
    head::{Head, Rules},
};

const LF: u8 = b'\n';
const CR: u8 = b'\r';
const NUL: u8 = 0;

/// What one frame may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Header lines, repeated ones included.
    pub headers: usize,
    /// Bytes of one line, escapes included and its end not.
    pub line_bytes: usize,
    /// Bytes of all header lines together.
    pub head_bytes: usize,
    /// Bytes of the body.
    pub body_bytes: usize,
}

impl Bounds {
    /// 64 headers of 8 KiB, 16 KiB together, before a body of at most so many bytes.
    pub const fn with_body(body_bytes: usize) -> Self {
        Self { headers: 64, line_bytes: 8 * 1024, head_bytes: 16 * 1024, body_bytes }
    }
}

/// What a chunk held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A frame.
    Frame(Frame),
    /// Ends of lines between frames, one or many: a heart-beat, or what some clients send after a frame.
    EndOfLine,
}

/// Reads one connection.
#[derive(Debug)]
pub struct Decoder {
    bounds: Bounds,
    version: Option<Version>,
    state: State,
    line: Vec<u8>,
    head: Head,
    body: Vec<u8>,
    scanned: u64,
}

/// What the next byte belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Nothing yet.
    Between,
    /// The line with the command.
    FirstLine,
    /// A line below it.
    HeaderLine(Command),
    /// A body of which so many bytes are missing.
    Counted(Command, usize),
    /// A body up to the first NUL.
    UntilNul(Command),
    /// Nothing any more.
    Broken(Broken),
}

impl Decoder {
    /// A decoder at the beginning of a connection, when no version is agreed on.
    pub fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            version: None,
            state: State::Between,
            line: Vec::new(),
            head: Head::default(),
            body: Vec::new(),
            scanned: 0,
        }
    }

    /// Tells which version was agreed on. To be called as soon as the CONNECT is judged and before anything after it is
    /// decoded: escapes and ends of lines depend on it.
    pub fn set_version(&mut self, version: Version) {
        self.version = Some(version);
    }

    /// Takes from the front of `input` what makes the next item, and leaves the rest there. Nothing comes back once
    /// `input` is used up; what it holds of an unfinished frame is kept for the next chunk.
    ///
    /// # Errors
    /// The frame breaks the protocol. Nothing is read after that, and every further call says the same.
    pub fn decode(&mut self, input: &mut &[u8]) -> Result<Option<Item>, Broken> {
        if let State::Broken(broken) = &self.state {
            return Err(broken.clone());
        }
        self.advance(input).map_err(|broken| {
            let broken = broken.of_receipt(self.head.find("receipt"));
            self.forget();
            self.state = State::Broken(broken.clone());
            broken
        })
    }

    /// Bytes of memory that the unfinished frame takes.
    pub fn held(&self) -> usize {
        self.line.capacity() + self.head.held() + self.body.capacity()
    }

    /// Looks at bytes that it has taken since it was made: one for each byte, however they were cut.
    pub fn scanned(&self) -> u64 {
        self.scanned
    }

    fn advance(&mut self, input: &mut &[u8]) -> Result<Option<Item>, Broken> {
        while !input.is_empty() {
            match std::mem::replace(&mut self.state, State::Between) {
                State::Between => {
                    if self.skip_ends_of_line(input) {
                        return Ok(Some(Item::EndOfLine));
                    }
                    self.state = State::FirstLine;
                }
                State::FirstLine => match self.line_end(input)? {
                    Some(LF) => self.state = State::HeaderLine(self.take_command()?),
                    Some(_) => return Err(Broken::malformed("a frame is only a line")),
                    None => self.state = State::FirstLine,
                },
                State::HeaderLine(command) => match self.line_end(input)? {
                    Some(LF) => self.state = self.after_header_line(command)?,
                    // The specification's own DISCONNECT goes without the blank line.
                    Some(_) if self.line.is_empty() => return Ok(Some(self.finish(command))),
                    Some(_) => return Err(Broken::malformed("a header line must not contain NUL")),
                    None => self.state = State::HeaderLine(command),
                },
                State::Counted(command, 0) => match self.find(take(input, 1), |byte| byte == NUL) {
                    Some(_) => return Ok(Some(self.finish(command))),
                    None => return Err(Broken::malformed("a body is longer than its content-length")),
                },
                State::Counted(command, missing) => {
                    let part = take(input, missing);
                    self.scanned += part.len() as u64;
                    self.body.extend_from_slice(part);
                    self.state = State::Counted(command, missing - part.len());
                }
                State::UntilNul(command) => {
                    if self.body_end(input)? {
                        return Ok(Some(self.finish(command)));
                    }
                    self.state = State::UntilNul(command);
                }
                State::Broken(broken) => return Err(broken),
            }
        }
        Ok(None)
    }

    /// Skips what may stand between frames; whether there was something. A CR is taken in every version, for no
    /// command begins with one.
    fn skip_ends_of_line(&mut self, input: &mut &[u8]) -> bool {
        let ends = input.iter().take_while(|byte| matches!(**byte, LF | CR)).count();
        self.scanned += ends as u64;
        !take(input, ends).is_empty()
    }

    /// Where the first byte of such a kind stands.
    fn find(&mut self, bytes: &[u8], is_it: impl Fn(u8) -> bool) -> Option<usize> {
        let found = bytes.iter().position(|byte| is_it(*byte));
        self.scanned += found.map_or(bytes.len(), |at| at + 1) as u64;
        found
    }

    /// Adds to the line up to its LF or the frame's NUL, which is dropped and given back.
    fn line_end(&mut self, input: &mut &[u8]) -> Result<Option<u8>, Broken> {
        let room = self.bounds.line_bytes - self.line.len();
        let window = &input[..input.len().min(room + 1)];
        let Some(end) = self.find(window, |byte| matches!(byte, LF | NUL)) else {
            if window.len() > room {
                let most = self.bounds.line_bytes;
                return Err(Broken::too_large(format!("a line is longer than {most} bytes")));
            }
            let part = take(input, window.len());
            self.line.extend_from_slice(part);
            return Ok(None);
        };
        let part = take(input, end + 1);
        self.line.extend_from_slice(&part[..end]);
        Ok(Some(part[end]))
    }

    fn take_command(&mut self) -> Result<Command, Broken> {
        let line = std::mem::take(&mut self.line);
        let command = line.strip_suffix(b"\r").and_then(Command::parse);
        let command = match command {
            Some(command) if self.ends_with_cr_lf(&command) => Some(command),
            _ => Command::parse(&line),
        };
        command.ok_or_else(|| Broken::malformed("a frame must begin with a command in capital letters"))
    }

    /// Whether lines of a frame may end with CR LF. 1.2 has it so. CONNECT comes before a version is agreed on, so that
    /// there it is taken from everybody; in 1.0 and 1.1 a CR is a character as any other.
    fn ends_with_cr_lf(&self, command: &Command) -> bool {
        *command == Command::Connect || matches!(self.version, None | Some(Version::V1_2))
    }

    /// What makes names and values of a line: CONNECT has no escapes in any version.
    fn rules(&self, command: &Command) -> Rules {
        match (command, self.version) {
            (Command::Connect, _) | (_, None) => Rules::AsItStands,
            (_, Some(version)) => Rules::Of(version),
        }
    }

    fn after_header_line(&mut self, command: Command) -> Result<State, Broken> {
        if self.line.last() == Some(&CR) && self.ends_with_cr_lf(&command) {
            self.line.pop();
        }
        if self.line.is_empty() {
            return self.begin_body(command);
        }
        self.head.add(&self.line, &self.bounds, self.rules(&command))?;
        self.line.clear();
        Ok(State::HeaderLine(command))
    }

    fn begin_body(&mut self, command: Command) -> Result<State, Broken> {
        self.line = Vec::new();
        match self.head.content_length()? {
            None => Ok(State::UntilNul(command)),
            Some(length) if length <= self.bounds.body_bytes => Ok(State::Counted(command, length)),
            Some(_) => Err(self.body_too_large()),
        }
    }

    /// Adds to a body without a length; whether its NUL came.
    fn body_end(&mut self, input: &mut &[u8]) -> Result<bool, Broken> {
        let room = self.bounds.body_bytes - self.body.len();
        let window = &input[..input.len().min(room + 1)];
        let Some(end) = self.find(window, |byte| byte == NUL) else {
            if window.len() > room {
                return Err(self.body_too_large());
            }
            let part = take(input, window.len());
            self.body.extend_from_slice(part);
            return Ok(false);
        };
        let part = take(input, end + 1);
        self.body.extend_from_slice(&part[..end]);
        Ok(true)
    }

    fn body_too_large(&self) -> Broken {
        Broken::too_large(format!("a body may have {} bytes", self.bounds.body_bytes))
    }

    fn finish(&mut self, command: Command) -> Item {
        let frame = Frame { command, headers: self.head.take(), body: std::mem::take(&mut self.body) };
        self.forget();
        Item::Frame(frame)
    }

    /// Gives back the memory of a frame, so that an idle connection holds none.
    fn forget(&mut self) {
        *self = Self { version: self.version, scanned: self.scanned, ..Self::new(self.bounds) };
    }
}

/// The next bytes, at most so many.
fn take<'a>(input: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (part, rest) = input.split_at(most.min(input.len()));
    *input = rest;
    part
}
