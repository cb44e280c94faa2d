//! What goes wrong between a node and its brokers, in words that hold no value of any setting.
//! Not what a room is told; that is `LogError`.

use rdkafka::{error::KafkaError, types::RDKafkaErrorCode};
use thiserror::Error;

use crate::{config::is_secret, log::LogError};

/// Why a client of the brokers did not do something.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BrokerError {
    /// A property that librdkafka does not know or does not take.
    #[error("kafka.properties.{property} is refused: {reason}")]
    Property {
        /// Its name.
        property: String,
        /// What librdkafka says, if its value is no secret.
        reason: String,
    },
    /// A client cannot be made of these settings.
    #[error("no client for Kafka can be made of these settings: {0}")]
    Client(String),
    /// Brokers are away, slow or not ready.
    #[error("the brokers do not answer: {0}")]
    Unavailable(String),
    /// A broker refused what it was asked for.
    #[error("the broker refuses: {0}")]
    Refused(String),
    /// A topic or a partition is not there.
    #[error("{0} is not there")]
    Missing(String),
}

impl From<KafkaError> for BrokerError {
    fn from(error: KafkaError) -> Self {
        match error {
            KafkaError::ClientConfig(_, reason, property, _) => {
                let hidden = || "its value is not accepted".to_owned();
                let reason = if is_secret(&property) { hidden() } else { reason };
                Self::Property { property, reason }
            }
            KafkaError::ClientCreation(reason) => Self::Client(reason),
            // `rdkafka_error_code` knows no code of this one.
            KafkaError::AdminOp(code) => code.into(),
            other => match other.rdkafka_error_code() {
                Some(code) => code.into(),
                None => Self::Unavailable(other.to_string()),
            },
        }
    }
}

impl From<RDKafkaErrorCode> for BrokerError {
    fn from(code: RDKafkaErrorCode) -> Self {
        match code {
            code if is_missing(code) => Self::Missing("the topic or the partition".to_owned()),
            code if is_refusal(code) => Self::Refused(code.to_string()),
            code => Self::Unavailable(code.to_string()),
        }
    }
}

impl From<BrokerError> for LogError {
    fn from(_: BrokerError) -> Self {
        Self::Unavailable
    }
}

fn is_missing(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode::{UnknownPartition, UnknownTopic, UnknownTopicOrPartition};
    matches!(code, UnknownPartition | UnknownTopic | UnknownTopicOrPartition)
}

/// Codes that waiting does not help.
fn is_refusal(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
            | Code::InvalidTopic
            | Code::InvalidPartitions
            | Code::InvalidReplicationFactor
            | Code::InvalidConfig
            | Code::PolicyViolation
            | Code::UnsupportedVersion
            | Code::MessageSizeTooLarge
    )
}
