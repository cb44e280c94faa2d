//! No input makes the decoder or what follows it panic, hold more than its bounds, or look at a byte twice.
//! `KLATSCH_FUZZ_CASES=1000000 cargo test --lib stomp::tests::fuzz` tries more of them.

use std::cell::Cell;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
    test_runner::{Config, TestRunner},
};

use crate::{
    domain::Limits,
    wire::stomp::{
        Action, Bounds, Broken, Decoder, Frame, Item, Rejected, Request, Routes, Version, broken,
        testbed::{legacy_route, route},
    },
};

/// Small bounds are met more often.
const SMALL: Bounds = Bounds { headers: 6, line_bytes: 60, head_bytes: 160, body_bytes: 80 };

/// First lines, most of them right.
const COMMANDS: &[&str] = &[
    "CONNECT\n",
    "STOMP\r\n",
    "SEND\n",
    "SEND\n",
    "SEND\r\n",
    "SUBSCRIBE\n",
    "UNSUBSCRIBE\n",
    "ACK\n",
    "NACK\n",
    "BEGIN\n",
    "COMMIT\n",
    "ABORT\n",
    "DISCONNECT\n",
    "MESSAGE\n",
];

/// Header lines, most of them right.
const HEADERS: &[&str] = &[
    "accept-version:1.0,1.1,1.2\n",
    "accept-version:1.1\n",
    "heart-beat:10000,10000\n",
    "heart-beat:9,\n",
    "login:ada\n",
    "passcode:p\n",
    "Authorization:Bearer t\n",
    "destination:/app/chat/send/r1\n",
    "destination:/topic/chat/r1\n",
    "destination:/app-ws-method/sendMessage\n",
    "id:0\n",
    "id:s@7\n",
    "ack:client\n",
    "subscription:0\n",
    "message-id:r.e.7\n",
    "message-id:notice.1\n",
    "transaction:t\n",
    "receipt:r\n",
    "after:e:7\n",
    "after:e\\c7\r\n",
    "client-id:c\n",
    "content-length:0\n",
    "content-length:5\n",
    "content-length:81\n",
    "content-length:99999999999999999999\n",
    "x:\\n\\c\\\\\n",
    "x:\\r\n",
    "한글:\u{1f980}\n",
];

/// Bodies with their ends, most of them right.
const BODIES: &[&str] = &[
    "\0",
    "\0\n",
    "\0\r\n\n",
    "hello\0",
    "a\0b\0c\0",
    "{\"content\":\"hi\"}\0",
    "{\"type\":\"JOIN\"}\0",
    "{\"roomId\":\"r\",\"message\":\"\\ud83e\"}\0",
    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\0",
    "never ended",
];

/// One change of bytes.
#[derive(Debug, Clone)]
enum Mutation {
    Put(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    Repeat(Index, Index),
    CutOff(Index),
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let at = |index: &Index| index.index(bytes.len());
        match self {
            Self::Put(index, byte) => {
                let at = at(index);
                bytes[at] = *byte;
            }
            Self::Insert(index, byte) => bytes.insert(at(index), *byte),
            Self::Remove(index) => drop(bytes.remove(at(index))),
            Self::Repeat(one, other) => {
                let (from, to) = (at(one).min(at(other)), at(one).max(at(other)));
                bytes.extend_from_within(from..to);
            }
            Self::CutOff(index) => bytes.truncate(at(index)),
        }
    }
}

fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![select(&b"\0\n\r:\\0 AS\xff\xc3"[..]), any::<u8>()]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    prop_oneof![
        (any::<Index>(), byte()).prop_map(|(at, byte)| Mutation::Put(at, byte)),
        (any::<Index>(), byte()).prop_map(|(at, byte)| Mutation::Insert(at, byte)),
        any::<Index>().prop_map(Mutation::Remove),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
        any::<Index>().prop_map(Mutation::CutOff),
    ]
}

fn frame() -> impl Strategy<Value = String> {
    (select(COMMANDS), vec(select(HEADERS), 0..5), select(BODIES))
        .prop_map(|(command, headers, body)| format!("{command}{}\n{body}", headers.concat()))
}

/// A first frame that agrees on a version, and nothing.
fn opening() -> impl Strategy<Value = &'static str> {
    select(
        &["CONNECT\naccept-version:1.2\n\n\0", "CONNECT\naccept-version:1.1\n\n\0", "CONNECT\n\n\0", ""][..],
    )
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let frames =
        (opening(), vec(frame(), 0..5)).prop_map(|(opening, frames)| opening.to_owned() + &frames.concat());
    let mutated = (frames, vec(mutation(), 0..4)).prop_map(|(text, mutations)| {
        let mut bytes = text.into_bytes();
        mutations.iter().for_each(|mutation| mutation.apply(&mut bytes));
        bytes
    });
    prop_oneof![4 => mutated, 1 => vec(byte(), 0..200)]
}

/// What came of an input.
#[derive(Debug, Default, PartialEq)]
struct Outcome {
    frames: Vec<Frame>,
    broken: Option<Broken>,
}

/// A connection with everything behind it that is pure.
struct Connection {
    bounds: Bounds,
    decoder: Decoder,
    version: Option<Version>,
    outcome: Outcome,
}

impl Connection {
    fn new(bounds: Bounds) -> Self {
        Self { bounds, decoder: Decoder::new(bounds), version: None, outcome: Outcome::default() }
    }

    /// What a decoder may hold: each buffer may have grown to twice what is in it, and has a least size.
    fn most_held(&self) -> usize {
        let Bounds { headers, line_bytes, head_bytes, body_bytes } = self.bounds;
        2 * (line_bytes + head_bytes + body_bytes) + (2 * headers + 4) * (size_of::<(String, String)>() + 16)
    }

    fn feed(&mut self, mut chunk: &[u8], routes: &Routes) {
        loop {
            let before = chunk.len();
            match self.decoder.decode(&mut chunk) {
                Ok(Some(Item::Frame(frame))) => self.take(frame, routes),
                Ok(Some(Item::EndOfLine)) => assert!(chunk.len() < before),
                Ok(None) => break assert!(chunk.is_empty()),
                Err(fault) => break self.end(&fault, chunk),
            }
            assert!(self.decoder.held() <= self.most_held());
        }
        assert!(self.decoder.held() <= self.most_held(), "{} bytes are held", self.decoder.held());
    }

    fn take(&mut self, frame: Frame, routes: &Routes) {
        let limits = Limits::default();
        self.outcome.frames.push(frame.clone());
        match Request::parse(frame, self.version, &limits) {
            Ok(Request { action: Action::Connect(connect), .. }) => {
                self.version = Some(connect.version);
                self.decoder.set_version(connect.version);
            }
            Ok(Request { action: Action::Send(send), .. }) => {
                drop(routes.spoken(&send.destination, &send.body, &limits));
            }
            Ok(Request { action: Action::Subscribe(subscribe), .. }) => {
                drop(routes.topic(&subscribe.destination));
            }
            Ok(_) | Err(Rejected::Refused { .. }) => {}
            Err(Rejected::Broken(fault)) => self.is_one_frame(&fault),
        }
    }

    fn end(&mut self, fault: &Broken, mut rest: &[u8]) {
        self.is_one_frame(fault);
        let left = rest.len();
        assert_eq!(self.decoder.decode(&mut rest).as_ref(), Err(fault));
        assert_eq!((rest.len(), self.decoder.held()), (left, 0));
        self.outcome.broken = Some(fault.clone());
    }

    /// Whatever a client wrote, the ERROR about it is one frame.
    fn is_one_frame(&self, fault: &Broken) {
        let error = broken(self.version, fault);
        assert!(error.starts_with("ERROR\n") && error.ends_with('\0') && error.matches('\0').count() == 1);
    }
}

fn outcome(bytes: &[u8], cuts: &[Index], bounds: Bounds, routes: &Routes) -> Outcome {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let mut connection = Connection::new(bounds);
    for pair in cuts.windows(2) {
        connection.feed(&bytes[pair[0]..pair[1]], routes);
        if connection.outcome.broken.is_some() {
            break;
        }
    }
    let scanned = connection.decoder.scanned();
    assert!(scanned <= bytes.len() as u64, "{scanned} looks at {} bytes", bytes.len());
    connection.outcome
}

#[test]
fn no_input_makes_the_decoder_panic_grow_or_work_twice() {
    let cases = std::env::var("KLATSCH_FUZZ_CASES").ok();
    let cases = cases.map_or(20_000, |text| text.parse().expect("KLATSCH_FUZZ_CASES is a number"));
    let routes = Routes::new("/topic/rooms", "/user/queue/errors", [route(), legacy_route()]);
    let mut runner = TestRunner::new(Config { cases, failure_persistence: None, ..Config::default() });
    let bounds = prop_oneof![3 => Just(SMALL), 1 => Just(Bounds::with_body(1024))];
    let inputs = (bytes(), vec(any::<Index>(), 0..8), bounds);
    let (read, broke) = (Cell::new(0), Cell::new(0));
    let held = runner.run(&inputs, |(bytes, cuts, bounds)| {
        let whole = outcome(&bytes, &[], bounds, &routes);
        prop_assert_eq!(&outcome(&bytes, &cuts, bounds, &routes), &whole);
        read.set(read.get() + whole.frames.len());
        broke.set(broke.get() + u32::from(whole.broken.is_some()));
        Ok(())
    });
    held.expect("every input is taken");
    let (read, broke) = (read.get(), broke.get());
    // Inputs that are all broken at once, or never, would show little.
    assert!(
        read > cases as usize / 2 && (cases / 10..cases / 10 * 9).contains(&broke),
        "{read} frames, {broke} broken"
    );
    println!("{cases} inputs: {read} frames, {broke} broken");
}

#[test]
fn work_grows_with_the_input_and_memory_does_not() {
    let routes = Routes::new("/topic/rooms", "/user/queue/errors", []);
    for endless in ["x", "h:v\n", "\n", "\r", "SEND\n", "SEND\n\n\0", "SEND\ncontent-length:80\n\n", "\\c:"] {
        for start in ["", "SEND\n", "SEND\nh:", "SEND\n\n"] {
            let bytes = [start, &endless.repeat(50_000)].concat().into_bytes();
            let mut connection = Connection::new(SMALL);
            for chunk in bytes.chunks(7) {
                connection.feed(chunk, &routes);
                if connection.outcome.broken.is_some() {
                    break;
                }
            }
            assert!(connection.decoder.scanned() <= bytes.len() as u64);
            let read_it_all = connection.decoder.scanned() == bytes.len() as u64;
            assert!(read_it_all || connection.outcome.broken.is_some(), "{start:?} {endless:?}");
        }
    }
}
