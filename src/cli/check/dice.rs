//! Choices of a run that a seed repeats: who goes where, when, and what they say.
//! Not random enough for secrets.

use std::time::Duration;

/// A small generator (SplitMix64).
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    /// The dice of one thing of a run.
    pub(super) fn new(seed: u64, of: u64) -> Self {
        let mut dice = Self(seed ^ of.wrapping_mul(0xD6E8_FEB8_6659_FD93));
        dice.throw();
        dice
    }

    /// The next number.
    pub(super) fn throw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`; 0 if that is 0.
    pub(super) fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.throw() % bound).unwrap_or(0)
    }

    /// True once in `of` times.
    pub(super) fn once_in(&mut self, of: usize) -> bool {
        self.below(of) == 0
    }

    /// A duration around `mean`, from none to twice of it.
    pub(super) fn around(&mut self, mean: Duration) -> Duration {
        mean.mul_f64(2.0 * self.below(1 << 20) as f64 / f64::from(1 << 20))
    }
}

/// The text of a message: the same whenever it is asked for, and no other message's.
pub(super) fn body_of(seed: u64, message: u64) -> String {
    const WORDS: [&str; 8] = ["ein", "wort", "gibt", "das", "andere", "Löffel", "🥄", "und so weiter"];
    let mut dice = Dice::new(seed, message);
    let mut body = format!("{message}:");
    for _ in 0..dice.below(32) {
        body.push(' ');
        body.push_str(WORDS[dice.below(WORDS.len())]);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_choices() {
        let throws = |seed, of| {
            let mut dice = Dice::new(seed, of);
            [dice.throw(), dice.throw(), dice.throw()]
        };
        assert_eq!(throws(1, 2), throws(1, 2));
        assert_ne!(throws(1, 2), throws(1, 3));
        assert_ne!(throws(1, 2), throws(2, 2));
        assert_eq!(body_of(1, 7), body_of(1, 7));
        assert_ne!(body_of(1, 7), body_of(1, 8));
    }

    #[test]
    fn a_choice_is_below_its_bound() {
        let mut dice = Dice::new(3, 4);
        assert!((0..1000).all(|_| dice.below(3) < 3 && dice.below(0) == 0));
        assert!((0..1000).all(|_| dice.around(Duration::from_secs(1)) < Duration::from_secs(2)));
    }
}
