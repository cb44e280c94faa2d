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

/// A key: 256 random bits.
pub fn key() -> [u8; 32] {
    bytes()
}

/// A salt: 128 random bits.
pub fn salt() -> [u8; 16] {
    bytes()
}

/// Entropy for somebody who has too little.
pub fn number() -> u32 {
    u32::from_ne_bytes(bytes())
}

fn text<const BYTES: usize>() -> String {
    BASE64URL_NOPAD.encode(&bytes::<BYTES>())
}

fn bytes<const BYTES: usize>() -> [u8; BYTES] {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).expect("the operating system has a random generator once it is up");
    bytes
}
