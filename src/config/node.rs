//! `[node]`: this node among others.
//! Not a discovery of the others: nodes meet only in the log.

use std::{fmt, fs};

use serde::{Deserialize, Serialize};

/// Longest name of a node, in characters.
const NODE_ID_CHARS: usize = 64;

/// Settings of this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings {
    /// Its name; unset takes the host's.
    pub id: NodeId,
}

/// A node's name: up to 64 letters, digits, dots, dashes or underscores. Loaded settings never have an empty one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(String);

impl NodeId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// This name, or where it is unset the host's, or `node-1` where the host has none that fits.
    pub(super) fn or_host_name(self) -> Self {
        if !self.0.is_empty() {
            return self;
        }
        let host = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
        match Self::try_from(host.trim().to_owned()) {
            Ok(name) if !name.0.is_empty() => name,
            _ => Self("node-1".to_owned()),
        }
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for NodeId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if text.len() <= NODE_ID_CHARS && text.bytes().all(fits) {
            Ok(Self(text))
        } else {
            Err("1 to 64 letters, digits, dots, dashes or underscores, or empty for the host's name")
        }
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unset_name_is_replaced_and_a_set_one_kept() {
        let unset = NodeId::try_from(String::new()).expect("empty means unset");
        assert!(!unset.or_host_name().as_str().is_empty());
        let set = NodeId::try_from("node-7".to_owned()).expect("valid");
        assert_eq!(set.or_host_name().as_str(), "node-7");
    }

    #[test]
    fn a_name_fits_into_logs_and_labels() {
        assert!(NodeId::try_from("a b".to_owned()).is_err());
        assert!(NodeId::try_from("n".repeat(65)).is_err());
    }
}
