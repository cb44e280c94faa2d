//! Randomness that can be repeated: a small generator (SplitMix64) and the seed a run starts from.
//! Not for secrets: whoever knows the seed knows every number.

/// A deterministic source of numbers.
pub(crate) struct Dice(u64);

impl Dice {
    /// Starts from `KLATSCH_TEST_SEED`, or from the clock, and prints the seed so that a failure can be repeated.
    pub(crate) fn thrown_for(test: &str) -> Dice {
        let seed =
            std::env::var("KLATSCH_TEST_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
                let now = std::time::UNIX_EPOCH.elapsed().unwrap();
                now.as_secs() ^ u64::from(now.subsec_nanos())
            });
        println!("{test}: KLATSCH_TEST_SEED={seed}");
        Dice(seed)
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    pub(crate) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.bits() % (high - low + 1)
    }

    /// `count` bytes.
    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.bits() as u8).collect()
    }
}
