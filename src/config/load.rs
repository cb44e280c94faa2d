//! Loads settings: the manual's defaults, then a file, then the environment; what comes later wins.
//! Not a search for files: only what was named is read.

use std::{collections::BTreeMap, fs, path::Path};

use config::{Config, ConfigError, Value, ValueKind};

use super::{
    Settings, SettingsError,
    database::hide_password,
    manual::{Known, parse},
};

/// What a variable of the environment starts with that is a setting.
const PREFIX: &str = "KLATSCH__";

impl Default for Settings {
    fn default() -> Self {
        Self::load(None, []).expect("the embedded defaults load, as a test shows")
    }
}

impl Settings {
    /// Loads the defaults, `file` over them, and the variables of `environment` that are settings over both.
    ///
    /// # Errors
    ///
    /// The first setting that is unknown or wrong, or the file where it cannot be read.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, SettingsError> {
        let known = Known::from_manual();
        let mut given = BTreeMap::new();
        if let Some(file) = file {
            read_file(file, &known, &mut given)?;
        }
        for (variable, text) in environment {
            if let Some(name) = variable.strip_prefix(PREFIX) {
                let name = name.to_lowercase().replace("__", ".");
                let value = known.value_from_text(&name, &variable, &text)?;
                given.insert(name, Given { value, origin: variable });
            }
        }

        let mut settings: Self = merge(&known, &given)?;
        settings.node.id = settings.node.id.or_host_name();
        settings.check_together(&given)?;
        Ok(settings)
    }

    /// The rules between settings, which no single one can check.
    fn check_together(&self, given: &BTreeMap<String, Given>) -> Result<(), SettingsError> {
        let smallest = self.server.request_bytes.min(self.socket.frame_bytes);
        if self.limits.body_bytes < smallest {
            return Ok(());
        }
        let name = "limits.body_bytes";
        Err(SettingsError::Wrong {
            name: name.to_owned(),
            value: self.limits.body_bytes.to_string(),
            origin: given.get(name).map_or("the defaults".to_owned(), |given| given.origin.clone()),
            allowed: format!(
                "less than server.request_bytes ({}) and socket.frame_bytes ({})",
                self.server.request_bytes, self.socket.frame_bytes
            ),
        })
    }
}

/// A setting that a file or the environment gives, and which of them.
struct Given {
    value: Value,
    origin: String,
}

impl Given {
    /// The value as a refusal shows it.
    fn shown(&self) -> String {
        match &self.value.kind {
            ValueKind::String(text) => format!("{:?}", hide_password(text)),
            ValueKind::Array(_) => {
                let items = self.value.clone().try_deserialize::<Vec<String>>();
                format!("{:?}", items.unwrap_or_default())
            }
            ValueKind::Table(_) => "a table".to_owned(),
            _ => self.value.to_string(),
        }
    }
}

/// Reads the settings of a file into `given`.
fn read_file(file: &Path, known: &Known, given: &mut BTreeMap<String, Given>) -> Result<(), SettingsError> {
    let text = fs::read_to_string(file)
        .map_err(|source| SettingsError::Unreadable { file: file.to_owned(), source })?;
    let parsed = parse(&text)
        .map_err(|error| SettingsError::Syntax { file: file.to_owned(), reason: error.to_string() })?;
    let origin = file.display().to_string();
    let sections = parsed.cache.into_table().expect("the root of TOML is a table");
    for (section, value) in sections {
        let keys = match value.kind {
            ValueKind::Table(keys) if known.has_section(&section) => keys,
            _ => return Err(known.unknown(&section, &origin)),
        };
        for (key, value) in keys {
            let name = format!("{section}.{key}");
            known.default_of(&name, &origin)?;
            given.insert(name, Given { value, origin: origin.clone() });
        }
    }
    Ok(())
}

/// The defaults with `given` over them, as settings.
fn merge(known: &Known, given: &BTreeMap<String, Given>) -> Result<Settings, SettingsError> {
    let mut builder = Config::builder().add_source(known.defaults.clone());
    for (name, one) in given {
        builder = builder.set_override(name, one.value.clone()).expect("a known setting's name is a path");
    }
    builder.build().and_then(Config::try_deserialize).map_err(|error| refusal(error, given))
}

/// What the deserializer said, in terms of the setting that was given.
fn refusal(error: ConfigError, given: &BTreeMap<String, Given>) -> SettingsError {
    let (path, message) = match error {
        ConfigError::At { key, error, .. } => (key.unwrap_or_default(), error.to_string()),
        ConfigError::Type { key, expected, .. } => (key.unwrap_or_default(), expected.to_owned()),
        other => (String::new(), other.to_string()),
    };
    let name = path.split('[').next().unwrap_or_default();
    let allowed = message.rsplit_once(", expected ").map_or(message.as_str(), |(_, allowed)| allowed);
    let given = given.get(name);
    SettingsError::Wrong {
        name: name.to_owned(),
        value: given.map_or("unset".to_owned(), Given::shown),
        origin: given.map_or("the defaults".to_owned(), |given| given.origin.clone()),
        allowed: allowed.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn load(environment: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Settings::load(None, environment.iter().map(own))
    }

    fn refusal_of(name: &str, value: &str) -> String {
        let variable = format!("{PREFIX}{}", name.to_uppercase().replace('.', "__"));
        load(&[(&variable, value)]).expect_err("a wrong setting stops the start").to_string()
    }

    fn load_file(text: &str) -> Result<Settings, SettingsError> {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("written");
        Settings::load(Some(file.path()), [])
    }

    #[test]
    fn the_defaults_load_and_are_what_the_protocol_says() {
        let settings = Settings::default();
        assert_eq!(settings.server.listen.as_str(), "127.0.0.1:8080");
        assert_eq!(settings.socket.heartbeat_s, 25);
        assert_eq!(settings.limits.body_bytes, 8192);
        assert!(!settings.node.id.as_str().is_empty());
    }

    #[test]
    fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b"[socket]\nheartbeat_s = 7\nin_flight = 3\n").expect("written");
        let environment = [("KLATSCH__SOCKET__HEARTBEAT_S".to_owned(), "9".to_owned())];
        let settings = Settings::load(Some(file.path()), environment).expect("valid");
        assert_eq!(settings.socket.heartbeat_s, 9);
        assert_eq!(settings.socket.in_flight, 3);
        assert_eq!(settings.socket.frame_bytes, 65536);
    }

    #[test]
    fn the_environment_is_read_by_the_type_of_the_setting() {
        let settings = load(&[
            ("KLATSCH__NODE__ID", "007"),
            ("KLATSCH__LIMITS__ENABLED", "false"),
            ("KLATSCH__SERVER__ALLOWED_ORIGINS", "https://a.example, http://b.example:81"),
            ("KLATSCH_PG_BIN", "no setting"),
            ("PATH", "/bin"),
        ])
        .expect("valid");
        assert_eq!(settings.node.id.as_str(), "007");
        assert!(!settings.limits.enabled);
        assert!(settings.server.allowed_origins.allows_foreign("http://b.example:81"));
    }

    #[test]
    fn a_refusal_has_the_name_the_value_the_place_and_what_is_allowed() {
        assert_eq!(
            refusal_of("socket.heartbeat_s", "often"),
            "setting socket.heartbeat_s is \"often\" in KLATSCH__SOCKET__HEARTBEAT_S, \
             allowed is a whole number from 1 to 3600"
        );
        for (name, value, allowed) in [
            ("socket.heartbeat_s", "0", "from 1 to 3600"),
            ("socket.heartbeat_s", "-1", "from 1 to 3600"),
            ("socket.heartbeat_s", "1.5", "from 1 to 3600"),
            ("limits.enabled", "perhaps", "a boolean"),
            ("log.kind", "parchment", "embedded"),
            ("telemetry.log_format", "xml", "text or json"),
            ("server.listen", "8080", "host:port"),
            ("server.allowed_origins", "a.example", "https://chat.example"),
            ("limits.body_bytes", "65536", "less than server.request_bytes (65536)"),
        ] {
            let refusal = refusal_of(name, value);
            assert!(refusal.contains(name) && refusal.contains(value), "{refusal}");
            assert!(refusal.contains(allowed), "{refusal}");
        }
    }

    #[test]
    fn a_password_is_not_in_a_refusal() {
        let refusal = refusal_of("database.url", "mysql://u:secret@h/d");
        assert!(refusal.contains("mysql://u:***@h/d"), "{refusal}");
        assert!(!refusal.contains("secret"), "{refusal}");
    }

    #[test]
    fn an_unknown_name_is_refused_with_those_that_there_are() {
        let refusal = refusal_of("socket.heartbeet_s", "1");
        assert!(refusal.contains("heartbeat_s, in_flight"), "{refusal}");
        let refusal = refusal_of("sockets.heartbeat_s", "1");
        assert!(refusal.contains("database, limits, log"), "{refusal}");
        for text in ["listen = \"a:1\"", "[servers]", "[server]\nport = 1", "[server.listen]\na = 1"] {
            let refusal = load_file(text).expect_err(text).to_string();
            assert!(refusal.contains("server"), "{refusal}");
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_not_toml_is_named() {
        let missing = Settings::load(Some(Path::new("no/such.toml")), []).expect_err("missing");
        assert!(missing.to_string().contains("no/such.toml"));
        let broken = load_file("[server\nlisten").expect_err("broken").to_string();
        assert!(broken.contains("not valid TOML"), "{broken}");
    }
}
