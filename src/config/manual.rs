//! The manual of settings, `config/default.toml`, as the list of those that there are and of their defaults.
//! What a node is given beside it is not known here.

use std::collections::BTreeMap;

use config::{Config, ConfigError, File, FileFormat, Value, ValueKind};

use super::SettingsError;

/// The manual, as it is embedded into the binary.
pub(super) const MANUAL: &str = include_str!("../../config/default.toml");

/// Settings that name a file themselves: a file with the name of a file is more likely a mistake, and what would be taken
/// for a name may be a key.
const PLACES: [&str; 2] = ["tls.cert", "tls.key"];

/// The settings that there are: those of the manual.
pub(super) struct Known {
    pub(super) defaults: Config,
    sections: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Known {
    /// Reads the embedded manual.
    pub(super) fn from_manual() -> Self {
        let defaults = parse(MANUAL).expect("the embedded manual is TOML, as a test shows");
        let sections = defaults
            .clone()
            .try_deserialize()
            .expect("the embedded manual holds sections of settings, as a test shows");
        Self { defaults, sections }
    }

    /// Whether there is a section of that name.
    pub(super) fn has_section(&self, name: &str) -> bool {
        self.sections.contains_key(name)
    }

    /// The default of `section.key`, or the refusal of a name that `origin` made up.
    pub(super) fn default_of(&self, name: &str, origin: &str) -> Result<&Value, SettingsError> {
        let setting = self.entry_of(name).map_or(name, |(table, _)| table);
        self.find(setting).ok_or_else(|| self.unknown(name, origin))
    }

    /// The setting that is a table and the entry's name, where `section.key.entry` names an entry of one.
    pub(super) fn entry_of<'a>(&self, name: &'a str) -> Option<(&'a str, &'a str)> {
        let mut dots = name.match_indices('.').map(|(at, _)| at);
        let (_, at) = (dots.next()?, dots.next()?);
        let table = &name[..at];
        matches!(self.find(table)?.kind, ValueKind::Table(_)).then_some((table, &name[at + 1..]))
    }

    /// The setting that is text and has its value in a file, where `section.key_file` says so.
    pub(super) fn in_file<'a>(&self, name: &'a str) -> Option<&'a str> {
        let setting = name.strip_suffix("_file").filter(|setting| !PLACES.contains(setting))?;
        matches!(self.find(setting)?.kind, ValueKind::String(_)).then_some(setting)
    }

    fn find(&self, setting: &str) -> Option<&Value> {
        let (section, key) = setting.split_once('.')?;
        self.sections.get(section)?.get(key)
    }

    /// The refusal of a section or a setting that there is not, with the names that there are.
    pub(super) fn unknown(&self, name: &str, origin: &str) -> SettingsError {
        let section = name.split('.').next().and_then(|section| self.sections.get_key_value(section));
        let known = match section {
            Some((section, keys)) => format!("[{section}] has {}", list(keys.keys())),
            None => format!("the sections are {}", list(self.sections.keys())),
        };
        SettingsError::Unknown { name: name.to_owned(), origin: origin.to_owned(), known }
    }

    /// The text of a variable as a value: a list where the default is one, else text, which numbers are read from.
    pub(super) fn value_from_text(
        &self,
        name: &str,
        variable: &str,
        text: &str,
    ) -> Result<Value, SettingsError> {
        let kind = match self.default_of(name, variable)?.kind {
            ValueKind::Array(_) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                ValueKind::from(items.map(str::to_owned).collect::<Vec<_>>())
            }
            _ => ValueKind::from(text),
        };
        Ok(Value::new(None, kind))
    }
}

/// Reads TOML.
pub(super) fn parse(text: &str) -> Result<Config, ConfigError> {
    Config::builder().add_source(File::from_str(text, FileFormat::Toml)).build()
}

fn list<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Settings;

    fn refusal_of(name: &str, value: &str) -> String {
        let variable = format!("KLATSCH__{}", name.to_uppercase().replace('.', "__"));
        let refusal = Settings::load(None, [(variable, value.to_owned())]);
        refusal.expect_err("a wrong setting stops the start").to_string()
    }

    /// Each setting of the manual with the comment above it.
    fn manual() -> Vec<(String, String)> {
        let (mut section, mut comment, mut settings) = (String::new(), String::new(), Vec::new());
        for line in MANUAL.lines() {
            if let Some(words) = line.strip_prefix('#') {
                comment.push_str(words);
            } else if line.starts_with('[') {
                section = line.trim_matches(['[', ']']).to_owned();
            } else if let Some((key, _)) = line.split_once(" = ") {
                settings.push((format!("{section}.{key}"), std::mem::take(&mut comment)));
            } else {
                comment.clear();
            }
        }
        settings
    }

    #[test]
    fn the_manual_explains_every_setting() {
        let settings = serde_json::to_value(Settings::default()).expect("settings are plain data");
        let sections = settings.as_object().expect("sections");
        let count: usize = sections.values().map(|keys| keys.as_object().map_or(0, |keys| keys.len())).sum();
        assert_eq!(manual().len(), count);
        for (name, comment) in manual() {
            assert!(comment.len() > 20, "{name} has no comment in config/default.toml");
        }
    }

    #[test]
    fn the_bounds_in_the_manual_are_those_of_the_code() {
        let mut bounded = 0;
        for (name, comment) in manual() {
            let Some((_, bounds)) = comment.rsplit_once(" From ") else { continue };
            let (least, most) = bounds.trim_end_matches('.').split_once(" to ").expect("From A to B.");
            let (least, most): (i64, i64) = (least.parse().expect(&name), most.parse().expect(&name));
            let allowed = format!("a whole number from {least} to {most}");
            for wrong in [least - 1, most + 1] {
                let refusal = refusal_of(&name, &wrong.to_string());
                assert!(refusal.ends_with(&allowed), "{refusal}, but the manual says {allowed}");
            }
            bounded += 1;
        }
        assert!(bounded > 20, "only {bounded} settings of the manual have bounds");
    }
}
