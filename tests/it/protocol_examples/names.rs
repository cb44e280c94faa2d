//! What stands for other texts in an example: `…` for any, and `$name` for the same one wherever it stands again.
//! Which kinds of examples there are is not known here.

use std::collections::HashMap;

use serde_json::Value;

/// Stands for any text in an expectation.
const ANYTHING: &str = "…";

/// What `$names` stood for so far.
#[derive(Clone, Default)]
pub(super) struct Names(HashMap<String, String>);

impl Names {
    /// A text with what its names stand for.
    pub(super) fn filled_in(&self, text: &str) -> String {
        let mut names: Vec<_> = self.0.iter().collect();
        // A name may begin with another one.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Whether everything expected is found; learns what new names stand for.
    pub(super) fn match_up(&mut self, expected: &Value, found: &Value) -> bool {
        match (expected, found) {
            (Value::Object(expected), Value::Object(found)) => expected
                .iter()
                .all(|(key, value)| found.get(key).is_some_and(|found| self.match_up(value, found))),
            (Value::Array(expected), Value::Array(found)) => {
                expected.len() == found.len()
                    && expected.iter().zip(found).all(|(value, found)| self.match_up(value, found))
            }
            (Value::String(expected), Value::String(found)) => self.match_text(expected, found),
            _ => expected == found,
        }
    }

    /// The same for two texts.
    pub(super) fn match_text(&mut self, expected: &str, found: &str) -> bool {
        if expected == ANYTHING {
            return true;
        }
        if expected.starts_with('$') && !expected.contains(['.', ' ']) {
            return self.0.entry(expected.to_owned()).or_insert_with(|| found.to_owned()) == found;
        }
        self.filled_in(expected) == found
    }
}

/// The JSON of an example or an answer.
pub(super) fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}
