//! One partition's comparison: which rooms it has, and which rows are read for them when.
//! What differs is judged for each room by `replay`.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Verdict, VerifyError,
    replay::{Ending, Replay, Row},
};
use crate::{
    domain::{Foundation, RoomId},
    log::kafka::{Entry, Offset, Partition, saver::decode},
    storage::{Connection, StorageError, Store, fold, memberships, records, rooms},
};

/// Rows and rooms that are read at once.
const PAGE: u32 = 1000;

/// One partition while it is compared.
pub(super) struct Comparison {
    store: Store,
    partition: Partition,
    /// The log's first offset, and the first that is not stored.
    from: Offset,
    until: Offset,
    rooms: BTreeMap<RoomId, Replay>,
    /// Rooms that entries name and that do not live here.
    strangers: BTreeSet<RoomId>,
}

impl Comparison {
    pub(super) fn new(store: Store, partition: Partition, from: Offset, until: Offset) -> Self {
        Self { store, partition, from, until, rooms: BTreeMap::new(), strangers: BTreeSet::new() }
    }

    /// Folds entries and compares the rooms that they name.
    pub(super) async fn take(
        &mut self,
        entries: Vec<Entry>,
        verdict: &mut Verdict,
    ) -> Result<(), VerifyError> {
        let mut touched = BTreeSet::new();
        for entry in entries {
            verdict.entries += 1;
            let Ok((room, proposal)) = decode(&entry) else {
                verdict.dead += 1;
                continue;
            };
            self.meet(&room, verdict).await?;
            match self.rooms.get_mut(&room) {
                Some(replay) => {
                    replay.fold(proposal, entry.appended_at, entry.offset);
                    touched.insert(room);
                }
                None => verdict.dead += 1,
            }
        }
        for room in touched {
            let Some(replay) = self.rooms.get_mut(&room) else { continue };
            let ((after, count), id) = (replay.due(), room.clone());
            let rows = self.store.read(move |conn| records::placed_after(conn, &id, after, count)).await?;
            verdict.differ(self.partition, Some(&room), replay.compare(rows));
        }
        Ok(())
    }

    /// Judges every room of the partition at its end.
    pub(super) async fn end(mut self, verdict: &mut Verdict) -> Result<(), VerifyError> {
        let (mut after, partition, until) = (0, self.partition, self.until);
        loop {
            let page = self.store.read(move |conn| rooms::placed_in(conn, partition, after, PAGE)).await?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = *last;
            for (_, room) in page {
                self.meet(&room, verdict).await?;
                let Some(replay) = self.rooms.remove(&room) else { continue };
                let ((compared, _), id) = (replay.due(), room.clone());
                let read = self.store.read(move |conn| ending(conn, &id, compared)).await;
                let faults = match read {
                    Ok((next, Some(ending))) => replay.end(next, until, &ending),
                    Ok((_, None)) => continue,
                    Err(StorageError::Corrupt(cause)) => vec![cause],
                    Err(error) => return Err(error.into()),
                };
                verdict.rooms += 1;
                verdict.differ(partition, Some(&room), faults);
            }
        }
    }

    /// Makes a room known: what its rows were before the log's first entry.
    async fn meet(&mut self, room: &RoomId, verdict: &mut Verdict) -> Result<(), VerifyError> {
        if self.rooms.contains_key(room) || self.strangers.contains(room) {
            return Ok(());
        }
        let (id, partition, from) = (room.clone(), self.partition, self.from);
        let base = self.store.read(move |conn| base_of(conn, &id, partition, from)).await?;
        match base {
            Some((foundation, rows)) => {
                let replay = self.rooms.entry(room.clone()).or_insert_with(|| Replay::new(foundation));
                verdict.differ(self.partition, Some(room), replay.build_on(rows));
            }
            None => drop(self.strangers.insert(room.clone())),
        }
        Ok(())
    }
}

/// The rows of a room that are older than the log; none if it does not live in this partition.
fn base_of(
    connection: &mut Connection,
    room: &RoomId,
    partition: Partition,
    from: Offset,
) -> Result<Option<(Foundation, Vec<Row>)>, StorageError> {
    if rooms::partition_of(connection, room)? != Some(partition) {
        return Ok(None);
    }
    let foundation = rooms::foundation_of(connection, room)?.unwrap_or_default();
    let mut base: Vec<Row> = Vec::new();
    loop {
        let after = base.last().map_or(0, |(record, _)| record.seq);
        let page = records::placed_after(connection, room, after, PAGE)?;
        let length = page.len();
        base.extend(page.into_iter().take_while(|(_, offset)| offset.is_none_or(|offset| offset < from)));
        let all_taken = base.last().map_or(0, |(record, _)| record.seq) >= after + length as u64;
        if length < PAGE as usize || !all_taken {
            return Ok(Some((foundation, base)));
        }
    }
}

/// The row after those that were compared, and then the room and who belongs to it.
fn ending(
    connection: &mut Connection,
    room: &RoomId,
    compared: u64,
) -> Result<(Option<Row>, Option<Ending>), StorageError> {
    let next = records::placed_after(connection, room, compared, 1)?.pop();
    connection.consistently(|connection| {
        let Some(placed) = fold::placed(connection, room)? else { return Ok((next, None)) };
        let belongings = memberships::of_room(connection, room)?;
        Ok((next, Some(Ending { placed, belongings })))
    })
}
