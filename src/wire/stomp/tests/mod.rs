//! What the specification demands, shown on bytes; and what no input may do.
//! Tests of one file's own rules are at its foot.

mod frames;
mod fuzz;
mod messages;
mod requests;
mod round_trip;

use super::{Bounds, Broken, Decoder, Frame, Item, Version};

/// What bytes hold, ends of lines between frames included.
fn items(version: Option<Version>, mut bytes: &[u8]) -> Result<Vec<Item>, Broken> {
    let mut decoder = Decoder::new(Bounds::with_body(1024));
    if let Some(version) = version {
        decoder.set_version(version);
    }
    std::iter::from_fn(|| decoder.decode(&mut bytes).transpose()).collect()
}

/// The one frame that bytes hold.
fn frame(version: Version, bytes: &[u8]) -> Result<Frame, Broken> {
    let mut items = items(Some(version), bytes)?;
    match (items.pop(), items.pop()) {
        (Some(Item::Frame(frame)), None) => Ok(frame),
        other => panic!("one frame, not {other:?}"),
    }
}

/// The value of the header `h` in a SEND with this header line.
fn value(version: Version, line: &str) -> Result<String, Broken> {
    let frame = frame(version, format!("SEND\n{line}\n\n\0").as_bytes())?;
    Ok(frame.header("h").expect("the header is there").to_owned())
}
