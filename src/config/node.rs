//! `[node]`: this node among others.
//! Not a discovery of the others: nodes meet only in the log.

use std::{fmt, fs};

use serde::{Deserialize, Serialize};

/// Longest id of a node, in characters.
const NODE_ID_CHARS: usize = 64;

/// Longest name of a node among people, in characters.
const NODE_NAME_CHARS: usize = 128;

/// Settings of this node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeSettings {
    /// Its name among machines; unset takes the host's.
    pub id: NodeId,
    /// Its name among people; unset takes the id.
    pub name: NodeName,
    /// What it does.
    pub roles: Roles,
}

impl NodeSettings {
    /// What people call it.
    pub fn shown_name(&self) -> &str {
        if self.name.0.is_empty() { self.id.as_str() } else { &self.name.0 }
    }
}

/// What people call a node: up to 128 characters without control characters; empty where it is unset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeName(String);

impl TryFrom<String> for NodeName {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let text = text.trim();
        if text.chars().count() <= NODE_NAME_CHARS && !text.chars().any(char::is_control) {
            Ok(Self(text.to_owned()))
        } else {
            Err("up to 128 characters, none of them a control character")
        }
    }
}

impl From<NodeName> for String {
    fn from(name: NodeName) -> Self {
        name.0
    }
}

/// Something that a node does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It serves clients.
    Gateway,
    /// It stores what the log holds.
    Saver,
}

/// What a node does: at least one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct Roles(Vec<Role>);

impl Roles {
    /// Whether the node has a role.
    pub fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }
}

impl TryFrom<Vec<String>> for Roles {
    type Error = &'static str;

    fn try_from(names: Vec<String>) -> Result<Self, Self::Error> {
        let role = |name: &String| match name.as_str() {
            "gateway" => Some(Role::Gateway),
            "saver" => Some(Role::Saver),
            _ => None,
        };
        match names.iter().map(role).collect::<Option<Vec<_>>>() {
            Some(roles) if !roles.is_empty() => Ok(Self(roles)),
            _ => Err("a list of gateway, saver or both"),
        }
    }
}

impl From<Roles> for Vec<String> {
    fn from(roles: Roles) -> Self {
        let name = |role: &Role| match role {
            Role::Gateway => "gateway".to_owned(),
            Role::Saver => "saver".to_owned(),
        };
        roles.0.iter().map(name).collect()
    }
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

    #[test]
    fn a_node_has_at_least_one_role_and_no_other() {
        let parse =
            |names: &[&str]| Roles::try_from(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>());
        let saver = parse(&["saver"]).unwrap();
        assert!(saver.has(Role::Saver) && !saver.has(Role::Gateway));
        for bad in [&[][..], &["cook"], &["gateway", ""]] {
            assert!(parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_node_is_called_by_its_id_until_it_has_a_name() {
        let named = |name: &str| NodeSettings {
            id: NodeId("node-7".to_owned()),
            name: NodeName::try_from(name.to_owned()).unwrap(),
            roles: Roles(vec![Role::Gateway]),
        };
        assert_eq!(named("").shown_name(), "node-7");
        assert_eq!(named("Küche 2").shown_name(), "Küche 2");
        assert!(NodeName::try_from("a\nb".to_owned()).is_err());
    }
}
