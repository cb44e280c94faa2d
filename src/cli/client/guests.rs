//! The guests of one run: nicknames that no former run has used, and secrets to come back with.
//! Random, so two runs against one server never meet.

use data_encoding::BASE32_NOPAD;

use super::socket::Identity;

/// A source of guests with a common mark.
pub struct Guests {
    run: String,
}

impl Guests {
    /// A new mark.
    ///
    /// # Errors
    /// If the system gives no randomness.
    pub fn new() -> anyhow::Result<Self> {
        Ok(Self { run: random_text::<5>()? })
    }

    /// A name that is this run's own, for a user or a room.
    pub fn name(&self, what: &str, number: u64) -> String {
        format!("{what}-{}-{number}", self.run)
    }

    /// The guest with this number.
    pub fn guest(&self, number: u64) -> anyhow::Result<Identity> {
        Ok(Identity { nickname: self.name("bench", number), secret: random_text::<20>()? })
    }
}

fn random_text<const BYTES: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; BYTES];
    getrandom::fill(&mut bytes).map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    Ok(BASE32_NOPAD.encode(&bytes).to_lowercase())
}
