//! What a file or the environment gives, one value for each setting and each entry of a table.
//! Not what is in force: defaults stand under it and rules over it.

use std::collections::BTreeMap;

use config::{Map, Value, ValueKind};

use super::{
    database::hide_password,
    manual::Known,
    properties::{HIDDEN, is_secret},
};

/// A value that was given, and by what.
pub(super) struct Given {
    pub(super) value: Value,
    pub(super) origin: String,
    shown: Shown,
}

/// Whether a refusal may show a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    /// It may, but for what looks like a password in it.
    Mostly,
    /// It came from a file of its own, so it is a secret as a whole.
    Never,
}

impl Given {
    /// The value as a refusal shows it.
    pub(super) fn shown(&self, name: &str) -> String {
        match &self.value.kind {
            _ if self.shown == Shown::Never => HIDDEN.to_owned(),
            // The place of a secret is none.
            ValueKind::String(text) if name.starts_with("kafka.property_files.") => format!("{text:?}"),
            _ if is_secret_entry(name) => HIDDEN.to_owned(),
            ValueKind::String(text) => format!("{:?}", hide_password(text)),
            ValueKind::Array(_) => {
                let items = self.value.clone().try_deserialize::<Vec<String>>();
                items.map_or("a list of tables".to_owned(), |items| format!("{items:?}"))
            }
            ValueKind::Table(_) => "a table".to_owned(),
            _ => self.value.to_string(),
        }
    }
}

/// Whether a name is that of a property of librdkafka that nobody should see.
fn is_secret_entry(name: &str) -> bool {
    name.strip_prefix("kafka.properties.").is_some_and(is_secret)
}

/// Everything that was given, by name.
#[derive(Default)]
pub(super) struct AllGiven(BTreeMap<String, Given>);

impl AllGiven {
    /// What was given under a name.
    pub(super) fn get(&self, name: &str) -> Option<&Given> {
        self.0.get(name)
    }

    /// Takes a value; what was given before under its name is replaced.
    pub(super) fn insert(&mut self, name: String, value: Value, origin: &str) {
        self.0.insert(name, Given { value, origin: origin.to_owned(), shown: Shown::Mostly });
    }

    /// Takes a value that a file of its own holds; it is shown to nobody.
    pub(super) fn insert_secret(&mut self, name: &str, text: &str, origin: &str) {
        let value = Value::new(None, ValueKind::from(text));
        self.0.insert(name.to_owned(), Given { value, origin: origin.to_owned(), shown: Shown::Never });
    }

    /// Takes a table's entries, each under a name of its own, so that other entries can come from elsewhere.
    /// A table in it is a part of names: `[kafka.properties] sasl.mechanism` is the same as in quotes.
    pub(super) fn insert_entries(&mut self, table: &str, entries: Map<String, Value>, origin: &str) {
        for (key, value) in entries {
            let name = format!("{table}.{key}");
            match value.kind {
                ValueKind::Table(entries) => self.insert_entries(&name, entries, origin),
                _ => self.insert(name, value, origin),
            }
        }
    }

    /// The values to put over the defaults, by the names of settings; entries of a table are together in it.
    pub(super) fn overrides(&self, known: &Known) -> BTreeMap<String, Value> {
        let mut overrides = BTreeMap::new();
        for (name, one) in &self.0 {
            let Some((table, entry)) = known.entry_of(name) else {
                overrides.insert(name.clone(), one.value.clone());
                continue;
            };
            let table = overrides
                .entry(table.to_owned())
                .or_insert_with(|| Value::new(None, ValueKind::Table(Map::new())));
            if let ValueKind::Table(entries) = &mut table.kind {
                entries.insert(entry.to_owned(), one.value.clone());
            }
        }
        overrides
    }
}
