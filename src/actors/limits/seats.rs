//! How many things an address holds at once; each is a seat that is given back by dropping it.
//! What is held (a connection, a request, a stream) is the holder's to know.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::Address;

/// Seats by address; clones share them.
#[derive(Debug, Clone)]
pub(super) struct Seats {
    most: usize,
    taken: Arc<Mutex<HashMap<Address, usize>>>,
}

/// A seat. Dropping it gives it back.
#[derive(Debug)]
pub struct Seat {
    address: Address,
    taken: Arc<Mutex<HashMap<Address, usize>>>,
}

impl Seats {
    /// At most `most` for each address.
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: Arc::default() }
    }

    /// A seat, if there is one left.
    pub(super) fn take(&self, address: Address) -> Option<Seat> {
        let mut taken = lock(&self.taken);
        let count = taken.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Seat { address, taken: Arc::clone(&self.taken) })
    }

    /// How many addresses hold one.
    pub(super) fn len(&self) -> usize {
        lock(&self.taken).len()
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        if let Some(count) = taken.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
        if taken.capacity() > 4 * taken.len() + 1024 {
            // A flood of addresses must not be paid for in memory for ever.
            taken.shrink_to_fit();
        }
    }
}

fn lock(taken: &Mutex<HashMap<Address, usize>>) -> MutexGuard<'_, HashMap<Address, usize>> {
    // The map is whole between statements, so a panic elsewhere leaves nothing half done.
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_holds_so_many_and_one_more_when_one_is_given_back() {
        let (seats, here, there) = (Seats::new(2), Address::V4(1), Address::V4(2));
        let (first, second) = (seats.take(here), seats.take(here));
        assert!(first.is_some() && second.is_some() && seats.take(here).is_none());
        assert!(seats.take(there).is_some(), "another address is another's");
        drop(first);
        assert!(seats.take(here).is_some());
        drop(second);
        assert_eq!(seats.len(), 0);
    }
}
