//! Where the database is: a SQLite file or a PostgreSQL server.
//! Nothing is opened here.

use std::path::{Path, PathBuf};

use super::StorageError;

/// What PostgreSQL connections get where their address does not say: a server that does not answer is
/// noticed within seconds, not when the kernel gives up.
const POSTGRES_DEFAULTS: [(&str, &str); 2] = [("connect_timeout", "5"), ("tcp_user_timeout", "10000")];

/// The address of a database. Has no `Debug`, since it may hold a password.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// A SQLite file; a relative path starts in the working directory.
    Sqlite(PathBuf),
    /// A server, as libpq takes it, with `postgres://`.
    Postgres(String),
}

impl DatabaseUrl {
    /// Reads `sqlite://<path>`, `postgres://…` or `postgresql://…`.
    ///
    /// # Errors
    /// [`StorageError::Address`] when it is of neither form.
    pub fn parse(text: &str) -> Result<Self, StorageError> {
        match text.split_once("://") {
            Some(("sqlite", path)) if !path.is_empty() => Ok(Self::Sqlite(PathBuf::from(path))),
            Some(("postgres" | "postgresql", rest)) if !rest.is_empty() => {
                Ok(Self::Postgres(with_defaults(text)))
            }
            _ => Err(StorageError::Address("must be sqlite://<path> or postgres://<user>@<host>/<database>")),
        }
    }
}

/// The path as a URI that opens the file and never makes one, so that a file that was taken away is not
/// mistaken for an empty database.
pub(super) fn existing_file_uri(path: &Path) -> String {
    let path = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    format!("file:{path}?mode=rw")
}

fn with_defaults(url: &str) -> String {
    let mut url = url.to_owned();
    for (key, value) in POSTGRES_DEFAULTS {
        if !url.contains(&format!("{key}=")) {
            let separator = if url.contains('?') { '&' } else { '?' };
            url.push_str(&format!("{separator}{key}={value}"));
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_relative_or_absolute() {
        for (text, path) in [("sqlite://data/k.sqlite", "data/k.sqlite"), ("sqlite:///var/k", "/var/k")] {
            assert!(DatabaseUrl::parse(text).unwrap() == DatabaseUrl::Sqlite(PathBuf::from(path)), "{text}");
        }
    }

    #[test]
    fn a_server_gets_the_timeouts_that_its_address_lacks() {
        for (text, url) in [
            ("postgres://h/d", "postgres://h/d?connect_timeout=5&tcp_user_timeout=10000"),
            (
                "postgresql://h/d?connect_timeout=1",
                "postgresql://h/d?connect_timeout=1&tcp_user_timeout=10000",
            ),
        ] {
            assert!(DatabaseUrl::parse(text).unwrap() == DatabaseUrl::Postgres(url.to_owned()), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_address() {
        for text in ["", "sqlite://", "data/k.sqlite", "sqlite:k", "mysql://h/d", "postgres://"] {
            assert!(matches!(DatabaseUrl::parse(text), Err(StorageError::Address(_))), "{text}");
        }
    }

    #[test]
    fn a_path_stays_itself_in_a_uri() {
        assert_eq!(existing_file_uri(Path::new("/a b/50%?#")), "file:/a b/50%25%3f%23?mode=rw");
    }
}
