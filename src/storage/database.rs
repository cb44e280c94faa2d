//! The database as the rest of the program holds it: for reading, for small writes, and for the DB-writer.
//! What is read and written is said by the modules named after the tables.

use std::{fs, io, os::unix::fs::OpenOptionsExt, path::Path, sync::Arc};

use super::{Connection, DatabaseUrl, StorageError, connection::Source, migrations, pool::Pool};

/// How to open a database.
#[derive(Clone)]
pub struct Options {
    /// Where it is; see [`DatabaseUrl::parse`].
    pub url: String,
    /// At most so many connections read at once; at least 1.
    pub read_connections: u32,
    /// How long a call waits for a locked file or a free connection, in milliseconds.
    pub busy_timeout_ms: u64,
}

/// A database. Clones share its connections; all functions block.
#[derive(Clone)]
pub struct Database {
    source: Arc<Source>,
    readers: Arc<Pool>,
    writers: Arc<Pool>,
}

impl Database {
    /// Gets ready to use a database. A SQLite file and its folder are made, readable by the owner alone;
    /// a server is not connected to before it is needed.
    ///
    /// # Errors
    /// [`StorageError::Address`] for a wrong address, [`StorageError::Unavailable`] if the file cannot be made.
    pub fn open(options: Options) -> Result<Self, StorageError> {
        let url = DatabaseUrl::parse(&options.url)?;
        if let DatabaseUrl::Sqlite(path) = &url {
            create_private_file(path)
                .map_err(|error| StorageError::Unavailable(format!("{}: {error}", path.display())))?;
        }
        let source = Arc::new(Source { url, busy_timeout_ms: options.busy_timeout_ms });
        let readers = Arc::new(Pool::new(Arc::clone(&source), options.read_connections));
        let writers = Arc::new(Pool::new(Arc::clone(&source), 1));
        Ok(Self { source, readers, writers })
    }

    /// Brings the tables to what this binary needs. Nodes that do it at once wait for each other.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`]; nothing has changed then.
    pub fn migrate(&self) -> Result<(), StorageError> {
        self.writers.lend(migrations::run)
    }

    /// Reads, each statement for itself; [`Connection::consistently`] makes them see one instant.
    ///
    /// # Errors
    /// Those of the work, and [`StorageError::Unavailable`] if there is no connection.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.readers.lend(work)
    }

    /// Writes a few rows in one transaction. One caller at a time; records have [`Self::writer`].
    ///
    /// # Errors
    /// Those of the work, and [`StorageError::Unavailable`]; nothing is stored then, unless the connection
    /// was lost at the commit.
    pub fn write<T>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, StorageError>,
    ) -> Result<T, StorageError> {
        self.writers.lend(|connection| connection.transaction(work))
    }

    /// A connection of one's own, for the DB-writer.
    ///
    /// # Errors
    /// [`StorageError::Unavailable`] if it cannot be opened.
    pub fn writer(&self) -> Result<Connection, StorageError> {
        Connection::open(Arc::clone(&self.source))
    }
}

fn create_private_file(path: &Path) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map(drop)
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, sync::mpsc, thread, time::Instant};

    use diesel::{
        RunQueryDsl,
        connection::SimpleConnection,
        dsl::sql,
        sql_types::{Integer, Text},
    };

    use super::*;
    use crate::{
        domain::RoomId,
        storage::{
            Batch, batch,
            connection::{Session, run},
            records, rooms,
            testbed::{message, new_record, new_room, on_every_database, on_postgres, on_sqlite},
        },
    };

    fn sqlite_path(database: &Database) -> &Path {
        match &database.source.url {
            DatabaseUrl::Sqlite(path) => path,
            DatabaseUrl::Postgres(_) => panic!("not on SQLite"),
        }
    }

    fn batch_of_one(seq: u64) -> Batch {
        let body = "x".repeat(8_000);
        Batch { records: vec![new_record(&RoomId::new("r"), message(seq, &body))], ..Batch::default() }
    }

    fn is_unavailable<T>(result: Result<T, StorageError>) -> bool {
        matches!(result, Err(StorageError::Unavailable(_)))
    }

    #[test]
    fn migrating_again_changes_nothing() {
        on_every_database(|database| {
            database.write(|connection| rooms::create(connection, &new_room("a"))).unwrap();
            database.migrate().unwrap();
            assert_eq!(database.read(|connection| rooms::newest(connection, None, 9)).unwrap().len(), 1);
        });
    }

    #[test]
    fn nodes_that_start_together_all_find_the_tables() {
        on_every_database(|database| {
            Connection::open(Arc::clone(&database.source))
                .and_then(|mut connection| migrations::revert(&mut connection))
                .unwrap();
            thread::scope(|scope| {
                let nodes: Vec<_> = (0..4)
                    .map(|_| {
                        scope.spawn(|| {
                            Connection::open(Arc::clone(&database.source))
                                .and_then(|mut c| migrations::run(&mut c))
                        })
                    })
                    .collect();
                for node in nodes {
                    node.join().unwrap().unwrap();
                }
            });
            assert_eq!(database.read(|connection| rooms::newest(connection, None, 9)).unwrap(), []);
        });
    }

    fn run_sql(database: &Database, sql: &str) {
        database.write(|connection| Ok(run!(connection, |session| session.batch_execute(sql))?)).unwrap();
    }

    #[test]
    fn an_error_undoes_the_whole_write() {
        on_every_database(|database| {
            let refused = database.write(|connection| {
                rooms::create(connection, &new_room("a"))?;
                Err::<(), _>(StorageError::unavailable("changed my mind"))
            });
            assert!(is_unavailable(refused));
            assert_eq!(database.read(|connection| rooms::newest(connection, None, 9)).unwrap(), []);
        });
    }

    #[test]
    fn a_panic_undoes_the_write_and_harms_nobody_else() {
        on_every_database(|database| {
            let panicked = thread::scope(|scope| {
                let write = || {
                    database.write(|connection| -> Result<(), StorageError> {
                        rooms::create(connection, &new_room("a"))?;
                        panic!("as a test does")
                    })
                };
                scope.spawn(write).join()
            });
            assert!(panicked.is_err());
            assert_eq!(database.read(|connection| rooms::newest(connection, None, 9)).unwrap(), []);
            database.write(|connection| rooms::create(connection, &new_room("a"))).unwrap();
        });
    }

    #[test]
    fn readers_do_not_wait_for_a_writer_nor_see_what_it_has_not_committed() {
        on_every_database(|database| {
            let (began, wait_begun) = mpsc::channel();
            let (read, wait_read) = mpsc::channel();
            thread::scope(|scope| {
                scope.spawn(move || {
                    database.write(|connection| {
                        rooms::create(connection, &new_room("a"))?;
                        began.send(()).unwrap();
                        wait_read.recv().unwrap();
                        Ok(())
                    })
                });
                wait_begun.recv().unwrap();
                assert_eq!(database.read(|connection| rooms::newest(connection, None, 9)).unwrap(), []);
                read.send(()).unwrap();
            });
            assert_eq!(database.read(|connection| rooms::newest(connection, None, 9)).unwrap().len(), 1);
        });
    }

    #[test]
    fn the_file_is_its_owners_alone_and_durable_at_commit() {
        on_sqlite(|database| {
            let mode = fs::metadata(sqlite_path(database)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
            let mut writer = database.writer().unwrap();
            let Session::Sqlite(session) = &mut writer.session else { panic!("not on SQLite") };
            let mut setting = |name: &str| -> String {
                sql::<Text>(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"))
                    .get_result(session)
                    .unwrap()
            };
            assert_eq!(["journal_mode", "synchronous", "foreign_keys"].map(&mut setting), ["wal", "2", "1"]);
        });
    }

    #[test]
    fn a_locked_file_is_unavailable_until_it_is_free() {
        on_sqlite(|database| {
            let mut elsewhere = database.writer().unwrap();
            let mut writer = database.writer().unwrap();
            let began = Instant::now();
            elsewhere
                .transaction(|_| {
                    assert!(is_unavailable(batch::store(&mut writer, &batch_of_one(1))));
                    Ok(())
                })
                .unwrap();
            assert!(began.elapsed().as_millis() < 5_000);
            batch::store(&mut writer, &batch_of_one(1)).unwrap();
        });
    }

    #[test]
    fn a_full_disk_is_unavailable_until_there_is_room() {
        on_sqlite(|database| {
            let mut writer = database.writer().unwrap();
            limit_pages(&mut writer, 1);
            let stored =
                (1..).take_while(|seq| batch::store(&mut writer, &batch_of_one(*seq)).is_ok()).count();
            assert!(is_unavailable(batch::store(&mut writer, &batch_of_one(99))));
            limit_pages(&mut writer, 100_000);
            batch::store(&mut writer, &batch_of_one(99)).unwrap();
            let kept =
                database.read(|connection| records::after(connection, &RoomId::new("r"), 0, 999)).unwrap();
            assert_eq!(kept.len(), stored + 1);
        });
    }

    /// SQLite answers as on a full disk when the file would grow beyond this.
    fn limit_pages(connection: &mut Connection, pages: u32) {
        let sql = format!("PRAGMA max_page_count = {pages}");
        run!(connection, |session| session.batch_execute(&sql)).unwrap();
    }

    #[test]
    fn a_file_that_was_taken_away_is_not_made_anew() {
        on_sqlite(|database| {
            fs::remove_file(sqlite_path(database)).unwrap();
            assert!(is_unavailable(database.writer().map(drop)));
            assert!(!sqlite_path(database).exists());
        });
    }

    #[test]
    fn a_server_that_hangs_up_costs_one_failure_and_is_connected_again() {
        on_postgres(|database| {
            let mut writer = database.writer().unwrap();
            batch::store(&mut writer, &batch_of_one(1)).unwrap();
            let pids = [process_of(&mut writer).unwrap(), database.read(process_of).unwrap()];
            for pid in pids {
                run_sql(database, &format!("SELECT pg_terminate_backend({pid})"));
            }
            assert!(is_unavailable(batch::store(&mut writer, &batch_of_one(2))));
            batch::store(&mut writer, &batch_of_one(2)).unwrap();
            assert!(is_unavailable(database.read(|connection| rooms::newest(connection, None, 9))));
            database.read(|connection| rooms::newest(connection, None, 9)).unwrap();
        });
    }

    /// The server's process that serves the connection.
    fn process_of(connection: &mut Connection) -> Result<i32, StorageError> {
        let query = diesel::select(sql::<Integer>("pg_backend_pid()"));
        Ok(run!(connection, |session| query.get_result(session))?)
    }

    #[test]
    fn what_cannot_be_reached_is_unavailable() {
        for url in ["sqlite:///proc/none/k", "postgres://127.0.0.1:1/none"] {
            let options = Options { url: url.to_owned(), read_connections: 1, busy_timeout_ms: 1 };
            assert!(is_unavailable(Database::open(options).and_then(|database| database.migrate())), "{url}");
        }
    }
}
