//! What a client writes is read as it was meant, however the bytes are cut.
//! Inputs that mean nothing are the business of `fuzz`.

use proptest::{collection::vec, prelude::*, sample::Index};

use crate::wire::stomp::{Bounds, Decoder, Frame, Item, Version, testbed};

const COMMANDS: &[&str] =
    &["SEND", "SUBSCRIBE", "ACK", "COMMIT", "DISCONNECT", "CONNECT", "STOMP", "MESSAGE"];

/// A frame before it is written.
#[derive(Debug, Clone)]
struct Written {
    command: &'static str,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    counted: bool,
    ends: usize,
}

fn written(version: Version) -> impl Strategy<Value = Written> {
    // What stands for itself in every frame of the version: CONNECT has no escapes, and 1.0 trims.
    let (name, value) = match version {
        Version::V1_0 => ("[a-z\\\\é-]{1,12}", "([a-z:\\\\é]([a-z:\\\\é ]{0,20}[a-z:\\\\é])?)?"),
        _ => ("[a-z :\\\\\né-]{1,12}", "[a-z:\\\\é \n\t-]{0,30}"),
    };
    let command = proptest::sample::select(COMMANDS);
    let body = vec(any::<u8>(), 0..60);
    (command, vec((name, value), 0..8), body, any::<bool>(), 0_usize..3).prop_map(
        |(command, mut headers, body, counted, ends)| {
            if matches!(command, "CONNECT" | "STOMP") {
                for (name, value) in &mut headers {
                    *name = name.replace([':', '\n'], "_");
                    *value = value.replace('\n', "_");
                }
            }
            Written { command, headers, body, counted, ends }
        },
    )
}

impl Written {
    fn bytes(&self, version: Version, end_of_line: &str) -> Vec<u8> {
        let mut headers = self.headers.clone();
        if self.counted {
            headers.insert(0, ("content-length".to_owned(), self.body.len().to_string()));
        }
        let mut bytes = testbed::frame(version, end_of_line, self.command, &headers, &self.meant_body());
        bytes.extend_from_slice(end_of_line.repeat(self.ends).as_bytes());
        bytes
    }

    fn meant_body(&self) -> Vec<u8> {
        if self.counted { self.body.clone() } else { self.body.iter().map(|&byte| byte.max(1)).collect() }
    }

    fn is_meant_by(&self, frame: &Frame) -> bool {
        let command = if self.command == "STOMP" { "CONNECT" } else { self.command };
        let first = |name: &str| self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        frame.command.name() == command
            && frame.body == self.meant_body()
            && self.headers.iter().all(|(name, _)| frame.header(name) == first(name).map(String::as_str))
    }
}

/// The frames that bytes hold when they are cut at these places.
fn frames(version: Version, bytes: &[u8], cuts: &[Index]) -> Vec<Frame> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    cuts.extend([0, bytes.len()]);
    cuts.sort_unstable();
    let mut decoder = Decoder::new(Bounds::with_body(64));
    decoder.set_version(version);
    let mut frames = Vec::new();
    for pair in cuts.windows(2) {
        let mut chunk = &bytes[pair[0]..pair[1]];
        while let Some(item) = decoder.decode(&mut chunk).expect("the frames are whole") {
            if let Item::Frame(frame) = item {
                frames.push(frame);
            }
        }
        assert!(chunk.is_empty());
    }
    assert_eq!((decoder.held(), decoder.scanned()), (0, bytes.len() as u64));
    frames
}

proptest! {
    #[test]
    fn what_a_client_writes_is_read_as_it_was_meant_however_it_is_cut(
        (version, written) in (0_usize..3)
            .prop_map(|version| Version::ALL[version])
            .prop_flat_map(|version| (Just(version), vec(written(version), 1..5))),
        crlf in any::<bool>(),
        cuts in vec(any::<Index>(), 0..20),
    ) {
        let end_of_line = if crlf && version == Version::V1_2 { "\r\n" } else { "\n" };
        let bytes: Vec<u8> = written.iter().flat_map(|one| one.bytes(version, end_of_line)).collect();
        let read = frames(version, &bytes, &cuts);
        prop_assert_eq!(read.len(), written.len());
        for (one, frame) in written.iter().zip(&read) {
            prop_assert!(one.is_meant_by(frame), "{:?} was read as {:?}", one, frame);
        }
    }

    #[test]
    fn one_byte_at_a_time_is_as_good(written in written(Version::V1_1)) {
        let bytes = written.bytes(Version::V1_1, "\n");
        let mut decoder = Decoder::new(Bounds::with_body(64));
        decoder.set_version(Version::V1_1);
        let mut read = Vec::new();
        for byte in &bytes {
            let mut chunk = std::slice::from_ref(byte);
            if let Some(Item::Frame(frame)) = decoder.decode(&mut chunk).unwrap() {
                read.push(frame);
            }
        }
        prop_assert!(matches!(&*read, [frame] if written.is_meant_by(frame)));
    }
}
