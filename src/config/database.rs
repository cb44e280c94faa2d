//! `[database]`: which database, and how patiently it is used.
//! Not a connection: nothing is opened here.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use super::bounds::within;

/// Settings of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseSettings {
    /// Where it is, with its kind.
    pub url: DatabaseUrl,
    /// Connections kept for reading, 1 to 256.
    #[serde(deserialize_with = "within::<1, 256, _, _>")]
    pub read_connections: u32,
    /// Milliseconds that a call waits for a lock or a connection, 0 to 60,000.
    #[serde(deserialize_with = "within::<0, 60_000, _, _>")]
    pub busy_timeout_ms: u64,
}

impl DatabaseSettings {
    /// How long a call waits for a lock or a connection.
    pub fn busy_timeout(&self) -> Duration {
        Duration::from_millis(self.busy_timeout_ms)
    }
}

/// The address of a database of a kind that Klatsch stores in. `Debug`, `Display` and serde hide its password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// The address with its password, to open the database and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DatabaseUrl {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let valid = match text.split_once("://") {
            // Each connection to a database in memory has one of its own, which ends with the process.
            Some(("sqlite", path)) => !path.is_empty() && path != ":memory:",
            Some(("postgres" | "postgresql", rest)) => !rest.is_empty(),
            _ => false,
        };
        if valid {
            Ok(Self(text))
        } else {
            Err("sqlite://PATH of a file, or postgres://USER:PASSWORD@HOST:PORT/NAME")
        }
    }
}

impl From<DatabaseUrl> for String {
    fn from(url: DatabaseUrl) -> Self {
        url.to_string()
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.starts_with("sqlite://") {
            true => formatter.write_str(&self.0),
            false => formatter.write_str(&hide_password(&self.0)),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// The URL with `***` for its password, whether that stands before the host or among the options.
/// In doubt it hides too much: a stray `@` or `?` in a password must not show the rest of it.
pub(super) fn hide_password(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else {
        return url.to_owned();
    };
    let (login, host) = rest.rsplit_once('@').unwrap_or(("", rest));
    let login = match login.split_once(':') {
        Some((user, _)) => format!("{user}:***@"),
        None if login.is_empty() => String::new(),
        None => format!("{login}@"),
    };
    format!("{scheme}://{login}{}", hide_password_option(host))
}

fn hide_password_option(host: &str) -> String {
    let Some((place, options)) = host.split_once('?') else {
        return host.to_owned();
    };
    let options = options.split('&').map(|option| match option.split_once('=') {
        Some((name, _)) if name.to_ascii_lowercase().contains("password") => format!("{name}=***"),
        _ => option.to_owned(),
    });
    format!("{place}?{}", options.collect::<Vec<_>>().join("&"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_a_file_or_a_server() {
        for good in ["sqlite:///var/lib/klatsch.db", "sqlite://klatsch.db", "postgresql://localhost/klatsch"]
        {
            assert!(DatabaseUrl::try_from(good.to_owned()).is_ok_and(|url| url.expose() == good), "{good}");
        }
        for bad in ["", "klatsch.db", "sqlite://", "sqlite://:memory:", "mysql://localhost/klatsch"] {
            assert!(DatabaseUrl::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_hidden_wherever_it_stands() {
        for (url, shown) in [
            ("postgres://u:secret@h:5432/d", "postgres://u:***@h:5432/d"),
            ("postgres://u:se:cr@et@h/d", "postgres://u:***@h/d"),
            ("postgres://u@h:5432/d", "postgres://u@h:5432/d"),
            ("postgres://h:5432/d?user=u&password=secret&x=1", "postgres://h:5432/d?user=u&password=***&x=1"),
            ("postgres://u:se?cret@h/d", "postgres://u:***@h/d"),
            ("sqlite://a:b@c.db", "sqlite://a:b@c.db"),
        ] {
            let Ok(parsed) = DatabaseUrl::try_from(url.to_owned()) else { panic!("{url}") };
            assert_eq!(format!("{parsed:?}"), shown);
        }
    }
}
