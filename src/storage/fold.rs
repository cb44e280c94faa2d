//! A room's state from the database: its latest snapshot and the records after it, folded.
//! The rules of the fold are in `domain`.

use super::{Connection, StorageError, records, snapshots};
use crate::domain::{Outcome, RoomId, RoomState, Seq};

/// How many records are read at once while folding.
const PAGE: u32 = 1000;

/// A room's state, and where the snapshot stood that it was built on.
#[derive(Debug, Clone)]
pub struct Folded {
    /// The state of all stored records.
    pub state: RoomState,
    /// The head of the latest snapshot; 0 when there is none.
    pub snapshot_at: Seq,
}

/// Folds a room from what is stored.
///
/// # Errors
/// Whatever reading meets, and [`StorageError::Corrupt`] when the stored records are not what the fold makes of them.
pub fn load(connection: &mut Connection, room: &RoomId) -> Result<Folded, StorageError> {
    let (snapshot_at, mut state) = snapshots::latest(connection, room)?.unwrap_or_default();
    loop {
        let page = records::after(connection, room, state.head(), PAGE)?;
        for record in &page {
            let outcome = state.apply(record.proposal(), record.at);
            if outcome != Outcome::Recorded(record.clone()) {
                return Err(StorageError::Corrupt(format!(
                    "record {} of room {room} does not fold",
                    record.seq
                )));
            }
        }
        if page.len() < PAGE as usize {
            return Ok(Folded { state, snapshot_at });
        }
    }
}
