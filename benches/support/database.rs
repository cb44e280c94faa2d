//! A fresh database that is taken away again: a SQLite file, or a schema of a PostgreSQL server.
//! Brought to what the server needs by its own migrations, so both sides of a comparison fill the same tables.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, PgConnection};
use klatsch::storage::{Database, Options};

static COUNT: AtomicU32 = AtomicU32::new(0);

/// A database of one's own.
pub(crate) struct Fresh {
    /// Its address, as the server's settings have it.
    pub(crate) url: String,
    /// Its tables are there.
    pub(crate) database: Database,
    place: Place,
}

enum Place {
    Folder(PathBuf),
    Schema(PgConnection, String),
}

impl Fresh {
    /// A new file in a temporary folder, or a new schema where `server` is the address of a PostgreSQL database.
    pub(crate) fn make(server: Option<&str>) -> anyhow::Result<Self> {
        let name = format!("klatsch_bench_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (url, place) = match server {
            None => {
                let folder = std::env::temp_dir().join(&name);
                (format!("sqlite://{}/bench.db", folder.display()), Place::Folder(folder))
            }
            Some(server) => {
                let mut session = PgConnection::establish(server)?;
                session.batch_execute(&format!("CREATE SCHEMA {name}"))?;
                let separator = if server.contains('?') { '&' } else { '?' };
                let url = format!("{server}{separator}options=-csearch_path%3D{name}");
                (url, Place::Schema(session, name))
            }
        };
        let options = Options { url: url.clone(), read_connections: 4, busy_timeout_ms: 5000 };
        let database = Database::open(options)?;
        database.migrate()?;
        Ok(Self { url, database, place })
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What cannot be taken away stays where it is and does no harm.
        match &mut self.place {
            Place::Folder(folder) => drop(std::fs::remove_dir_all(folder)),
            Place::Schema(session, name) => {
                let quiet = "SET client_min_messages = warning";
                drop(session.batch_execute(&format!("{quiet}; DROP SCHEMA {name} CASCADE")));
            }
        }
    }
}
