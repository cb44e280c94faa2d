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
    /// How long a write waits for another one on SQLite, in milliseconds.
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

    /// Reads, each statement for itself.
    ///
    /// # Errors
    /// Those of the work, and [`StorageError::Unavailable`] if there is no connection.
    pub fn read<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, StorageError>) -> Result<T, StorageError> {
        self.readers.lend(work)
    }

    /// Writes a few rows in one transaction. One caller at a time; records have [`Self::writer`].
    ///
    /// # Errors
    /// Those of the work, and [`StorageError::Unavailable`]; nothing is stored then, unless the connection
    /// was lost at the commit.
    pub fn write<T>(&self, work: impl FnOnce(&mut Connection) -> Result<T, StorageError>) -> Result<T, StorageError> {
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
