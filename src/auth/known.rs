//! Who was seen lately: lets people come back while the database is away, for chat goes on without it.
//! The database has the first word: this is asked only where it does not answer.

use std::sync::{Mutex, MutexGuard, PoisonError};

use indexmap::IndexMap;

/// So many tokens are remembered; the oldest ones are forgotten first. They take some 2 MB.
const MOST: usize = 10_000;

/// Tokens, by their digests, that the database knew when it was last asked.
#[derive(Debug)]
pub(super) struct Known<Who>(Mutex<IndexMap<[u8; 32], Who>>);

impl<Who> Default for Known<Who> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<Who: Clone> Known<Who> {
    /// The database knows the token.
    pub(super) fn remember(&self, digest: [u8; 32], who: Who) {
        let mut known = self.lock();
        if known.len() >= MOST && !known.contains_key(&digest) {
            // A tenth at once, since what comes first in an index map is dear to remove.
            known.drain(..MOST / 10);
        }
        known.insert(digest, who);
    }

    /// The database does not know it.
    pub(super) fn forget(&self, digest: &[u8; 32]) {
        self.lock().swap_remove(digest);
    }

    /// Whose it was when the database was last asked.
    pub(super) fn whose(&self, digest: &[u8; 32]) -> Option<Who> {
        self.lock().get(digest).cloned()
    }

    fn lock(&self) -> MutexGuard<'_, IndexMap<[u8; 32], Who>> {
        // The map is whole between statements, so a panic elsewhere leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{User, UserId};

    fn digest(number: usize) -> [u8; 32] {
        let mut digest = [0; 32];
        digest[..8].copy_from_slice(&number.to_le_bytes());
        digest
    }

    #[test]
    fn the_newest_are_known_within_the_bound() {
        let known = Known::default();
        let user = User { id: UserId::new("u"), nickname: "Ada".into() };
        for number in 0..=MOST {
            known.remember(digest(number), user.clone());
        }
        assert_eq!(known.whose(&digest(0)), None);
        assert_eq!(known.whose(&digest(MOST)), Some(user));
        assert!(known.lock().len() <= MOST);
        known.forget(&digest(MOST));
        assert_eq!(known.whose(&digest(MOST)), None);
    }
}
