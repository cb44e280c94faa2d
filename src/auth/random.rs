//! Random identifiers and secrets from the operating system's generator.
//! What they name is decided by the caller.

use data_encoding::BASE64URL_NOPAD;

/// A short identifier: 12 URL-safe characters, 72 random bits.
pub fn id() -> String {
    text::<9>()
}

/// The name of one life of a room's log: 8 URL-safe characters, 48 random bits.
pub fn epoch() -> String {
    text::<6>()
}

/// A secret: 43 URL-safe characters, 256 random bits.
pub fn secret() -> String {
    text::<32>()
}

/// Entropy for somebody who has too little.
pub fn number() -> u32 {
    let mut bytes = [0; 4];
    fill(&mut bytes);
    u32::from_ne_bytes(bytes)
}

fn text<const BYTES: usize>() -> String {
    let mut bytes = [0; BYTES];
    fill(&mut bytes);
    BASE64URL_NOPAD.encode(&bytes)
}

fn fill(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("the operating system has a random generator once it is up");
}
