//! Loads settings: the manual's defaults, then a file, then the environment; what comes later wins.
//! Not a search for files: only what was named is read.

use std::{fs, path::Path};

use config::{Config, ConfigError, ValueKind};

use super::{
    LogKind, Role, Settings, SettingsError,
    given::{AllGiven, Given},
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
        let mut given = AllGiven::default();
        if let Some(file) = file {
            read_file(file, &known, &mut given)?;
        }
        let mut of_environment = Filed::default();
        for (variable, text) in environment {
            if let Some(name) = variable.strip_prefix(PREFIX) {
                let name = name.to_lowercase().replace("__", ".");
                if let Some(setting) = known.in_file(&name) {
                    of_environment.insert(setting, &variable, &text)?;
                    continue;
                }
                let value = known.value_from_text(&name, &variable, &text)?;
                of_environment.names.push((name.clone(), variable.clone()));
                given.insert(name, value, &variable);
            }
        }
        of_environment.give(&mut given)?;

        let mut settings: Self = merge(&known, &given)?;
        settings.node.id = settings.node.id.or_host_name();
        settings.check_together(&given)?;
        Ok(settings)
    }

    /// The rules between settings, which no single one can check.
    fn check_together(&self, given: &AllGiven) -> Result<(), SettingsError> {
        let smallest = self.server.request_bytes.min(self.socket.frame_bytes);
        if self.limits.body_bytes >= smallest {
            let allowed = format!(
                "less than server.request_bytes ({}) and socket.frame_bytes ({})",
                self.server.request_bytes, self.socket.frame_bytes
            );
            let value = self.limits.body_bytes.to_string();
            return Err(wrong("limits.body_bytes", value, allowed, given));
        }
        if let Some((table, property, why)) = self.kafka.refused_property() {
            let name = format!("{table}.{property}");
            let value = given.get(&name).map_or_else(String::new, |given| given.shown(&name));
            return Err(wrong(&name, value, why.to_owned(), given));
        }
        if self.tls.is_half() {
            let (missing, other) =
                if self.tls.cert.as_os_str().is_empty() { ("cert", "key") } else { ("key", "cert") };
            let allowed = format!("a file, as tls.{other} names one");
            return Err(wrong(&format!("tls.{missing}"), "\"\"".to_owned(), allowed, given));
        }
        if self.stomp.errors == self.stomp.rooms {
            let value = format!("{:?}", self.stomp.errors.as_str());
            return Err(wrong(
                "stomp.errors",
                value,
                "another destination than stomp.rooms".to_owned(),
                given,
            ));
        }
        if let Some((name, url)) = self.auth.exposed_url() {
            let allowed =
                "https, or http to this machine, or any http where auth.plain_http is true".to_owned();
            return Err(wrong(name, format!("{url:?}"), allowed, given));
        }
        if self.auth.has_impostor() {
            let value = format!("{:?}", self.auth.issuer.as_str());
            let allowed = "another name than those of auth.issuers, for whose tokens are whose?".to_owned();
            return Err(wrong("auth.issuer", value, allowed, given));
        }
        let does_all = self.node.roles.has(Role::Gateway) && self.node.roles.has(Role::Saver);
        if self.log.kind == LogKind::Embedded && !does_all {
            let value = format!("{:?}", Vec::from(self.node.roles.clone()));
            let allowed = "gateway and saver, for with log.kind = \"embedded\" one node does all".to_owned();
            return Err(wrong("node.roles", value, allowed, given));
        }
        Ok(())
    }
}

/// Reads the settings of a file into `given`.
fn read_file(file: &Path, known: &Known, given: &mut AllGiven) -> Result<(), SettingsError> {
    let text = fs::read_to_string(file)
        .map_err(|source| SettingsError::Unreadable { file: file.to_owned(), source })?;
    let parsed = parse(&text)
        .map_err(|error| SettingsError::Syntax { file: file.to_owned(), reason: without_excerpt(&error) })?;
    let origin = file.display().to_string();
    let mut filed = Filed::default();
    let sections = parsed.cache.into_table().expect("the root of TOML is a table");
    for (section, value) in sections {
        let keys = match value.kind {
            ValueKind::Table(keys) if known.has_section(&section) => keys,
            _ => return Err(known.unknown(&section, &origin)),
        };
        for (key, value) in keys {
            let name = format!("{section}.{key}");
            if let (Some(setting), ValueKind::String(secret)) = (known.in_file(&name), &value.kind) {
                filed.insert(setting, &format!("{name} in {origin}"), secret)?;
                continue;
            }
            filed.names.push((name.clone(), format!("{name} in {origin}")));
            let is_table = matches!(known.default_of(&name, &origin)?.kind, ValueKind::Table(_));
            match value.kind {
                ValueKind::Table(entries) if is_table => given.insert_entries(&name, entries, &origin),
                _ => given.insert(name, value, &origin),
            }
        }
    }
    filed.give(given)
}

/// Settings whose values are in files of their own, as one source names them, and what else it names.
#[derive(Default)]
struct Filed {
    names: Vec<(String, String)>,
    secrets: Vec<(String, String, String)>,
}

impl Filed {
    /// Reads the file in which a setting's value is, without the white space around it.
    fn insert(&mut self, setting: &str, named_by: &str, file: &str) -> Result<(), SettingsError> {
        let text = fs::read_to_string(file).map_err(|source| SettingsError::SecretFile {
            setting: setting.to_owned(),
            file: file.into(),
            source,
        })?;
        self.secrets.push((setting.to_owned(), named_by.to_owned(), text.trim().to_owned()));
        Ok(())
    }

    /// Hands the values over. Who gives a setting and a file with it in one place means only one of the two.
    fn give(self, given: &mut AllGiven) -> Result<(), SettingsError> {
        for (setting, named_by, text) in self.secrets {
            if let Some((_, other)) = self.names.iter().find(|(name, _)| *name == setting) {
                return Err(SettingsError::GivenTwice { setting, one: other.clone(), other: named_by });
            }
            given.insert_secret(&setting, &text, &format!("the file that {named_by} names"));
        }
        Ok(())
    }
}

/// Where and what, on one line, without the line concerned, which may hold a secret.
fn without_excerpt(error: &ConfigError) -> String {
    let text = error.to_string();
    let is_excerpt =
        |line: &&str| line.trim_start_matches(|c: char| c == ' ' || c.is_ascii_digit()).starts_with('|');
    let told = text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !is_excerpt(line));
    told.collect::<Vec<_>>().join(": ")
}

/// The defaults with `given` over them, as settings.
fn merge(known: &Known, given: &AllGiven) -> Result<Settings, SettingsError> {
    let mut builder = Config::builder().add_source(known.defaults.clone());
    for (name, value) in given.overrides(known) {
        builder = builder.set_override(name, value).expect("a known setting's name is a path");
    }
    builder.build().and_then(Config::try_deserialize).map_err(|error| refusal(error, given))
}

/// What the deserializer said, in terms of the setting that was given.
fn refusal(error: ConfigError, given: &AllGiven) -> SettingsError {
    let (path, message) = match error {
        ConfigError::At { key, error, .. } => (key.unwrap_or_default(), error.to_string()),
        ConfigError::Type { key, expected, .. } => (key.unwrap_or_default(), expected.to_owned()),
        other => (String::new(), other.to_string()),
    };
    let name = path.split('[').next().unwrap_or_default();
    let allowed = message.rsplit_once(", expected ").map_or(message.as_str(), |(_, allowed)| allowed);
    let value = given.get(name).map_or("unset".to_owned(), |given| given.shown(name));
    wrong(name, value, allowed.to_owned(), given)
}

fn wrong(name: &str, value: String, allowed: String, given: &AllGiven) -> SettingsError {
    let origin = |given: &Given| given.origin.clone();
    SettingsError::Wrong {
        name: name.to_owned(),
        value,
        origin: given.get(name).map_or("the defaults".to_owned(), origin),
        allowed,
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
            ("log.kind", "parchment", "embedded or kafka"),
            ("kafka.brokers", "localhost", "HOST:PORT"),
            ("node.roles", "cook", "gateway, saver or both"),
            ("node.roles", "saver", "one node does all"),
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
        assert!(refusal.contains("auth, database, kafka, limits, log"), "{refusal}");
        for text in ["listen = \"a:1\"", "[servers]", "[server]\nport = 1", "[server.listen]\na = 1"] {
            let refusal = load_file(text).expect_err(text).to_string();
            assert!(refusal.contains("server"), "{refusal}");
        }
    }

    #[test]
    fn every_example_loads() {
        for entry in fs::read_dir("config/examples").expect("examples") {
            let file = entry.expect("an example").path();
            if let Err(error) = Settings::load(Some(&file), []) {
                panic!("{}: {error}", file.display());
            }
        }
    }

    #[test]
    fn a_file_that_cannot_be_read_or_is_not_toml_is_named() {
        let missing = Settings::load(Some(Path::new("no/such.toml")), []).expect_err("missing");
        assert!(missing.to_string().contains("no/such.toml"));
        let broken = load_file("[server\nlisten").expect_err("broken").to_string();
        assert!(broken.contains("not valid TOML"), "{broken}");
        let broken = load_file("[kafka.properties]\n\"sasl.password\" = \"hunter2").expect_err("broken");
        assert!(!broken.to_string().contains("hunter2"), "{broken}");
    }

    #[test]
    fn properties_come_from_the_file_and_the_environment_together() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let text = b"[kafka.properties]\n\"security.protocol\" = \"SASL_SSL\"\nsasl.mechanism = \"PLAIN\"\n\
            socket.keepalive.enable = true\n";
        file.write_all(text).expect("written");
        let environment = [("KLATSCH__KAFKA__PROPERTIES__SASL__MECHANISM", "SCRAM-SHA-512")];
        let own = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::load(Some(file.path()), own).expect("valid");
        let expected = [
            ("sasl.mechanism", "SCRAM-SHA-512"),
            ("security.protocol", "SASL_SSL"),
            ("socket.keepalive.enable", "true"),
        ];
        assert_eq!(settings.kafka.properties.expose().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_secret_comes_from_a_file_of_its_own_and_is_trimmed() {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(b" hunter2\n").expect("written");
        let path = file.path().display().to_string();
        let variable = "KLATSCH__KAFKA__PROPERTY_FILES__SASL__PASSWORD";
        let settings = load(&[(variable, &path)]).expect("valid");
        let properties = settings.kafka.all_properties().expect("the file is there");
        assert_eq!(properties.expose().collect::<Vec<_>>(), [("sasl.password", "hunter2")]);

        let missing = load(&[(variable, "no/such")]).expect("it is not read yet").kafka.all_properties();
        let refusal = missing.expect_err("it is not there").to_string();
        assert_eq!(refusal, "file no/such with kafka.property_files.sasl.password cannot be read");
    }

    #[test]
    fn a_property_that_klatsch_sets_is_refused_with_what_to_do_instead() {
        for (name, value, instead) in [
            ("kafka.properties.acks", "1", "all in-sync replicas"),
            ("kafka.properties.enable.idempotence", "false", "all in-sync replicas"),
            ("kafka.properties.isolation.level", "read_committed", "every record"),
            ("kafka.properties.bootstrap.servers", "a:1", "kafka.brokers"),
            ("kafka.properties.linger.ms", "1", "kafka.linger_ms"),
            ("kafka.properties.debug", "broker,topic", "bring clients to a stop"),
            ("kafka.property_files.message.timeout.ms", "a/file", "kafka.append_timeout_ms"),
        ] {
            let refusal = refusal_of(name, value);
            assert!(
                refusal.starts_with(&format!("setting {name} is {value:?} in KLATSCH__KAFKA__")),
                "{refusal}"
            );
            assert!(refusal.contains(instead), "{refusal}");
        }
    }

    #[test]
    fn a_secret_of_kafka_is_in_no_refusal() {
        let text = "[kafka.properties]\n\"sasl.password\" = [\"hunter2\"]\n";
        let refusal = load_file(text).expect_err("a list is no value of a property").to_string();
        assert!(refusal.contains("kafka.properties") && !refusal.contains("hunter2"), "{refusal}");
    }

    /// A file with a secret in it.
    fn secret(text: &str) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(text.as_bytes()).expect("written");
        file
    }

    #[test]
    fn the_value_of_any_text_can_be_in_a_file() {
        let file = secret(" postgres://u:hunter2@db/klatsch\n");
        let path = file.path().display().to_string();
        let settings = load(&[("KLATSCH__DATABASE__URL_FILE", &path)]).expect("valid");
        assert_eq!(settings.database.url.expose(), "postgres://u:hunter2@db/klatsch");
        assert!(!settings.to_toml().contains("hunter2"));
        let settings = load_file(&format!("[database]\nurl_file = {path:?}\n")).expect("valid");
        assert_eq!(settings.database.url.expose(), "postgres://u:hunter2@db/klatsch");
        // What comes later wins, whichever way it says it.
        let mut main = tempfile::NamedTempFile::new().expect("a temporary file");
        main.write_all(b"[database]\nurl = \"sqlite://other.db\"\n").expect("written");
        let environment = [("KLATSCH__DATABASE__URL_FILE".to_owned(), path)];
        let settings = Settings::load(Some(main.path()), environment).expect("valid");
        assert!(settings.database.url.expose().starts_with("postgres://"));
    }

    #[test]
    fn a_secret_from_a_file_is_shown_by_no_refusal() {
        let file = secret("hunter2");
        let path = file.path().display().to_string();
        let refusal = load(&[("KLATSCH__DATABASE__URL_FILE", &path)]).expect_err("no address").to_string();
        assert!(
            refusal.contains("database.url") && refusal.contains("KLATSCH__DATABASE__URL_FILE"),
            "{refusal}"
        );
        assert!(!refusal.contains("hunter2"), "{refusal}");
        let refusal = load(&[("KLATSCH__DATABASE__URL_FILE", "no/such")]).expect_err("no file").to_string();
        assert_eq!(refusal, "file no/such with database.url cannot be read");
        let both =
            [("KLATSCH__DATABASE__URL_FILE", path.as_str()), ("KLATSCH__DATABASE__URL", "sqlite://x.db")];
        let refusal = load(&both).expect_err("which of the two").to_string();
        assert!(refusal.contains("given twice"), "{refusal}");
        for number in
            ["KLATSCH__SOCKET__HEARTBEAT_S_FILE", "KLATSCH__NO__SUCH_FILE", "KLATSCH__TLS__KEY_FILE"]
        {
            let refusal = load(&[(number, &path)]).expect_err("no such setting").to_string();
            assert!(refusal.contains("unknown setting"), "{refusal}");
        }
    }
}
