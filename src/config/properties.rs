//! Properties of librdkafka that are passed through, by name, with those hidden that are secrets.
//! Not a list of all that there are: librdkafka itself refuses at the start what it does not know.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

/// Properties by name. `Debug` and serde hide the values of secrets.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, String>", into = "BTreeMap<String, String>")]
pub struct KafkaProperties(BTreeMap<String, String>);

impl KafkaProperties {
    /// Names and values, secrets included: for the client and for nothing else.
    pub fn expose(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Whether a property is given.
    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Adds a property; one of the same name is replaced.
    pub fn insert(&mut self, name: &str, value: String) {
        self.0.insert(name.to_owned(), value);
    }
}

impl From<BTreeMap<String, String>> for KafkaProperties {
    fn from(properties: BTreeMap<String, String>) -> Self {
        Self(properties)
    }
}

impl From<KafkaProperties> for BTreeMap<String, String> {
    fn from(properties: KafkaProperties) -> Self {
        let hidden = |name: &str, value: String| if is_secret(name) { HIDDEN.to_owned() } else { value };
        properties.0.into_iter().map(|(name, value)| (name.clone(), hidden(&name, value))).collect()
    }
}

impl fmt::Debug for KafkaProperties {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(BTreeMap::from(self.clone())).finish()
    }
}

/// What stands for a secret.
pub(super) const HIDDEN: &str = "***";

/// Words in the names of properties whose values nobody should see. In doubt it hides too much.
const SECRET_WORDS: &[&str] =
    &["password", "secret", "key", "jaas", "token", "credential", "assertion", "oauthbearer.config"];

/// Whether the value of a property is a secret; the place of one is none.
pub fn is_secret(property: &str) -> bool {
    let property = property.to_ascii_lowercase();
    !property.ends_with(".location") && SECRET_WORDS.iter().any(|word| property.contains(word))
}

/// Properties that Klatsch sets itself, with what is allowed instead. Each of them carries a promise, or is a
/// setting of its own.
const OWN: &[(&str, &[&str])] = &[
    ("nothing, for it is named by kafka.brokers", &["bootstrap.servers", "metadata.broker.list"]),
    (
        "nothing, for it is set by Klatsch, whose acks mean that all in-sync replicas have a record, once",
        &[
            "acks",
            "request.required.acks",
            "enable.idempotence",
            "enable.gapless.guarantee",
            "transactional.id",
            "delivery.report.only.error",
            "dr_cb",
            "dr_msg_cb",
        ],
    ),
    (
        "nothing, for it is set by Klatsch, whose nodes read every record of a partition from the offset they know",
        &[
            "isolation.level",
            "auto.offset.reset",
            "group.id",
            "group.protocol",
            "partition.assignment.strategy",
            "enable.auto.commit",
            "auto.commit.enable",
            "enable.auto.offset.store",
            "enable.partition.eof",
            "allow.auto.create.topics",
        ],
    ),
    ("nothing, for it is kafka.append_timeout_ms", &["message.timeout.ms", "delivery.timeout.ms"]),
    ("nothing, for it is kafka.linger_ms", &["linger.ms", "queue.buffering.max.ms"]),
    ("nothing, for it is kafka.queue_records", &["queue.buffering.max.messages"]),
    ("nothing, for it is set by Klatsch, which makes metrics of it", &["statistics.interval.ms"]),
];

/// Parts of librdkafka that write lines while they hold the queue which the lines go to, and so stop for good.
const MUTE: &[&str] = &["all", "topic", "queue"];

/// What a property may be instead of a value; nothing, if Klatsch sets it itself.
pub(super) fn refusal(property: &str, value: &str) -> Option<&'static str> {
    if property == "debug" && value.split(',').any(|part| MUTE.contains(&part.trim())) {
        return Some(
            "parts such as broker, security or protocol; all, topic and queue can bring clients to a stop",
        );
    }
    let mut own = OWN.iter().filter(|(_, names)| names.contains(&property));
    own.next().map(|(why, _)| *why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_by_their_names_and_places_are_not() {
        for secret in ["sasl.password", "ssl.key.pem", "ssl.key.password", "sasl.oauthbearer.client.secret"] {
            assert!(is_secret(secret), "{secret}");
        }
        for open in ["sasl.mechanism", "sasl.username", "ssl.ca.location", "ssl.key.location"] {
            assert!(!is_secret(open), "{open}");
        }
    }

    #[test]
    fn a_picture_of_properties_has_no_secret_in_it() {
        let mut properties = KafkaProperties::default();
        properties.insert("sasl.username", "ada".to_owned());
        properties.insert("sasl.password", "hunter2".to_owned());
        let pictures = [format!("{properties:?}"), serde_json::to_string(&properties).unwrap()];
        for picture in pictures {
            assert!(picture.contains("ada") && picture.contains(HIDDEN), "{picture}");
            assert!(!picture.contains("hunter2"), "{picture}");
        }
        assert!(properties.expose().any(|property| property == ("sasl.password", "hunter2")));
    }
}
