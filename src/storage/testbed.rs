//! Fresh databases and rows for the tests of this folder: a SQLite file, and a PostgreSQL schema where
//! `KLATSCH_TEST_DATABASE_URL` names a server. The tests do not know on which of them they run.

use std::{
    env, process,
    sync::atomic::{AtomicU32, Ordering},
};

use diesel::{Connection as _, PgConnection, connection::SimpleConnection};

use super::{Database, NewRecord, Options, rooms::NewRoom};
use crate::domain::{
    ClientId, Epoch, Message, MessageBody, Record, RecordKind, RoomId, Seq, Timestamp, User, UserId,
    Visibility,
};

/// Runs a test on a fresh database of each kind that is there.
pub(crate) fn on_every_database(test: impl Fn(&Database)) {
    on_sqlite(&test);
    on_postgres(&test);
}

/// Runs a test on a fresh SQLite file in a folder that has to be made first.
pub(crate) fn on_sqlite(test: impl Fn(&Database)) {
    let folder = tempfile::tempdir().unwrap();
    test(&fresh(format!("sqlite://{}", folder.path().join("data/klatsch.sqlite").display())));
}

/// Runs a test in a fresh schema of the PostgreSQL server, if one is named.
pub(crate) fn on_postgres(test: impl Fn(&Database)) {
    if let Ok(server) = env::var("KLATSCH_TEST_DATABASE_URL") {
        let schema = Schema::create(&server);
        test(&fresh(schema.url.clone()));
    }
}

fn fresh(url: String) -> Database {
    let database = Database::open(Options { url, read_connections: 2, busy_timeout_ms: 50 }).unwrap();
    database.migrate().unwrap();
    database
}

struct Schema {
    server: PgConnection,
    name: String,
    url: String,
}

impl Schema {
    fn create(server: &str) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("klatsch_{}_{}", process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options=-csearch_path%3D{name}");
        let mut server = PgConnection::establish(server).unwrap();
        server.batch_execute(&format!("CREATE SCHEMA {name}")).unwrap();
        Self { server, name, url }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        self.server
            .batch_execute(&format!("SET client_min_messages = warning; DROP SCHEMA {} CASCADE", self.name))
            .unwrap();
    }
}

pub(super) fn user(name: &str) -> User {
    User { id: UserId::new(format!("id of {name}")), nickname: name.into() }
}

pub(crate) fn new_room(name: &str) -> NewRoom {
    NewRoom {
        id: RoomId::new(format!("id of {name}")),
        name: name.to_owned(),
        name_key: name.to_lowercase(),
        epoch: Epoch::new("e1"),
        created_at: Timestamp::from_millis(1_763_712_000_007),
        created_by: user("Ada"),
        visibility: Visibility::Public,
        peer: None,
        partition: None,
    }
}

/// A record of a room, as the embedded log stores it.
pub(super) fn new_record(room: &RoomId, record: Record) -> NewRecord {
    NewRecord { room: room.clone(), record, log_offset: None }
}

/// A message with a client id if its number is even.
pub(super) fn message(seq: Seq, text: &str) -> Record {
    let client_id = seq.is_multiple_of(2).then(|| ClientId::new(format!("c{seq}")));
    record(seq, RecordKind::Message(Message::new(MessageBody::stored(text), client_id)))
}

pub(super) fn record(seq: Seq, kind: RecordKind) -> Record {
    Record { seq, at: Timestamp::from_millis(1_000 + seq.cast_signed()), sender: user("Ada"), kind }
}
