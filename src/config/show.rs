//! Settings as TOML that can be loaded again, apart from passwords, which are hidden.
//! No manual: the comments stay in `config/default.toml`.

use std::fmt::Write;

use serde_json::{Map, Value};

use super::{Settings, manual::MANUAL};

impl Settings {
    /// What is in force, in the order of the manual; a line that differs from the default names that.
    pub fn to_toml(&self) -> String {
        let (in_force, defaults) = (sections(self), sections(&Self::default()));
        let mut toml = String::new();
        let mut section = "";
        for line in MANUAL.lines() {
            if line.starts_with('[') {
                section = line.trim_matches(['[', ']']);
                let gap = if toml.is_empty() { "" } else { "\n" };
                writeln!(toml, "{gap}{line}").expect("a string takes every write");
            } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
                let (value, default) = (&in_force[section][key], &defaults[section][key]);
                let (value, default) = (toml_of(value), toml_of(default));
                let note = if value == default { String::new() } else { format!(" # default: {default}") };
                writeln!(toml, "{key} = {value}{note}").expect("a string takes every write");
            }
        }
        toml
    }
}

/// A value as TOML has it, on one line: JSON of a text, a number or a boolean is TOML as well.
fn toml_of(value: &Value) -> String {
    match value {
        Value::Object(entries) if entries.is_empty() => "{}".to_owned(),
        Value::Object(entries) => {
            let entry = |(name, value): (&String, &Value)| {
                format!("{} = {}", Value::from(name.as_str()), toml_of(value))
            };
            format!("{{ {} }}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(toml_of).collect::<Vec<_>>().join(",")),
        plain => plain.to_string(),
    }
}

fn sections(settings: &Settings) -> Map<String, Value> {
    match serde_json::to_value(settings) {
        Ok(Value::Object(sections)) => sections,
        other => unreachable!("settings are sections of plain values, not {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn settings(environment: &[(&str, &str)]) -> Settings {
        let own = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
        Settings::load(None, environment.iter().map(own)).expect("valid")
    }

    #[test]
    fn what_is_shown_loads_again() {
        let before = settings(&[
            ("KLATSCH__SERVER__ALLOWED_ORIGINS", "https://a.example,http://b.example"),
            ("KLATSCH__DATABASE__URL", "sqlite://a \"b\".db"),
            ("KLATSCH__LIMITS__ENABLED", "false"),
            ("KLATSCH__KAFKA__PROPERTIES__SASL__MECHANISM", "PLAIN"),
            ("KLATSCH__KAFKA__PROPERTIES__SASL__USERNAME", "ada"),
            ("KLATSCH__KAFKA__PROPERTY_FILES__SASL__PASSWORD", "a \"file\""),
        ]);
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(before.to_toml().as_bytes()).expect("written");
        let after = Settings::load(Some(file.path()), []).expect("what is shown is valid");
        assert_eq!(before, after);
    }

    #[test]
    fn passwords_are_hidden_and_changes_marked() {
        let shown = settings(&[
            ("KLATSCH__DATABASE__URL", "postgres://klatsch:secret@db/klatsch"),
            ("KLATSCH__SOCKET__HEARTBEAT_S", "5"),
            ("KLATSCH__KAFKA__PROPERTIES__SASL__PASSWORD", "secret"),
        ])
        .to_toml();
        assert!(shown.contains("url = \"postgres://klatsch:***@db/klatsch\""), "{shown}");
        assert!(shown.contains("properties = { \"sasl.password\" = \"***\" } # default: {}\n"), "{shown}");
        assert!(shown.contains("heartbeat_s = 5 # default: 25\n"), "{shown}");
        assert!(!shown.contains("secret"));
    }
}
