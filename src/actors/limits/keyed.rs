//! One bucket for each key, of which there is a bounded number: addresses and users are not ours to count.
//! What time it is, and what a refusal says, is the caller's to know.

use std::{
    collections::HashMap,
    hash::{BuildHasher, Hash, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::domain::{Bucket, Rate};

/// Parts that are locked apart.
const SHARDS: usize = 16;

/// A full shard is looked through for buckets that may go at most so often.
const BETWEEN_SWEEPS: Duration = Duration::from_millis(200);

/// A map is given back to the allocator when it could hold so many more entries than it does.
const SPARE: usize = 64;

/// Buckets of one rate, by key.
#[derive(Debug)]
pub(super) struct Keyed<K> {
    rate: Rate,
    /// Most buckets of one shard.
    most: usize,
    hasher: RandomState,
    shards: [Mutex<Shard<K>>; SHARDS],
}

#[derive(Debug)]
struct Shard<K> {
    buckets: HashMap<K, Bucket>,
    /// For all who come when there is no room: bounded memory is worth more than their difference.
    latecomers: Bucket,
    swept: Duration,
}

impl<K: Eq + Hash + Clone> Keyed<K> {
    /// None yet, and never more than about `most`.
    pub(super) fn new(rate: Rate, most: usize) -> Self {
        let shard = || {
            Mutex::new(Shard {
                buckets: HashMap::new(),
                latecomers: Bucket::default(),
                swept: Duration::ZERO,
            })
        };
        Self {
            rate,
            most: most.div_ceil(SHARDS),
            hasher: RandomState::new(),
            shards: std::array::from_fn(|_| shard()),
        }
    }

    /// The rate.
    pub(super) fn rate(&self) -> &Rate {
        &self.rate
    }

    /// Takes `cost` out of the key's bucket.
    ///
    /// # Errors
    /// How long to wait where not so much is left.
    pub(super) fn take(&self, key: &K, cost: u64, now: Duration) -> Result<(), Duration> {
        let mut shard = self.shard(key);
        if let Some(bucket) = shard.buckets.get_mut(key) {
            return bucket.take(&self.rate, cost, now);
        }
        if shard.buckets.len() >= self.most && now >= shard.swept + BETWEEN_SWEEPS {
            shard.sweep(now);
        }
        if shard.buckets.len() >= self.most {
            return shard.latecomers.take(&self.rate, cost, now);
        }
        let mut bucket = Bucket::default();
        bucket.take(&self.rate, cost, now)?;
        shard.buckets.insert(key.clone(), bucket);
        Ok(())
    }

    /// Puts back what was taken and not used.
    pub(super) fn give_back(&self, key: &K, cost: u64) {
        if let Some(bucket) = self.shard(key).buckets.get_mut(key) {
            bucket.give_back(&self.rate, cost);
        }
    }

    /// Forgets everybody who could take as much as a stranger, and gives the memory back.
    pub(super) fn sweep(&self, now: Duration) {
        self.shards.iter().for_each(|shard| lock(shard).sweep(now));
    }

    /// How many keys it knows.
    pub(super) fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).buckets.len()).sum()
    }

    fn shard(&self, key: &K) -> MutexGuard<'_, Shard<K>> {
        let hash = usize::try_from(self.hasher.hash_one(key) >> 48).unwrap_or_default();
        lock(&self.shards[hash % SHARDS])
    }
}

impl<K: Eq + Hash> Shard<K> {
    fn sweep(&mut self, now: Duration) {
        self.swept = now;
        self.buckets.retain(|_, bucket| !bucket.is_full(now));
        if self.buckets.capacity() > 4 * self.buckets.len() + SPARE {
            self.buckets.shrink_to_fit();
        }
    }
}

fn lock<K>(shard: &Mutex<Shard<K>>) -> MutexGuard<'_, Shard<K>> {
    // The map is whole between statements, so a panic elsewhere leaves nothing half done.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    #[test]
    fn each_key_has_a_bucket_of_its_own() {
        let keyed = Keyed::new(Rate::per_second(1, 2), 1000);
        for key in ["a", "b"] {
            assert!(keyed.take(&key, 2, at(0)).is_ok());
            assert_eq!(keyed.take(&key, 1, at(0)), Err(Duration::from_secs(1)));
        }
        keyed.give_back(&"a", 1);
        assert!(keyed.take(&"a", 1, at(0)).is_ok() && keyed.take(&"b", 1, at(0)).is_err());
    }

    #[test]
    fn a_flood_of_keys_takes_bounded_memory_and_those_who_are_known_are_still_served() {
        let keyed = Keyed::new(Rate::per_second(1, 10), 1600);
        assert!(keyed.take(&0, 1, at(0)).is_ok());
        let served = (1..100_000u32).filter(|key| keyed.take(key, 1, at(0)).is_ok()).count();
        assert!(keyed.len() <= 1600, "{}", keyed.len());
        // Those who found no room share what their shard has for them.
        assert!(served <= 1600 + 10 * SHARDS, "{served}");
        assert!(keyed.take(&0, 9, at(0)).is_ok());
    }

    #[test]
    fn who_did_nothing_for_long_enough_is_forgotten() {
        let keyed = Keyed::new(Rate::per_second(1, 10), 1600);
        (0..1000u32).for_each(|key| assert!(keyed.take(&key, 5, at(0)).is_ok()));
        keyed.sweep(at(4));
        assert_eq!(keyed.len(), 1000);
        keyed.sweep(at(5));
        assert_eq!(keyed.len(), 0);
        let kept: usize = keyed.shards.iter().map(|shard| lock(shard).buckets.capacity()).sum();
        assert!(kept <= SHARDS * SPARE, "{kept}");
    }

    #[test]
    fn room_is_made_when_there_is_none() {
        let keyed = Keyed::new(Rate::per_second(1, 1), SHARDS);
        assert!((0..100u32).any(|key| keyed.take(&key, 1, at(0)).is_err()));
        assert!((100..200u32).any(|key| keyed.take(&key, 1, at(2)).is_err()));
        assert!(keyed.take(&1000, 1, at(4)).is_ok());
        assert!(keyed.len() <= SHARDS);
    }
}
