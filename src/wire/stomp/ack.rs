//! How a delivery is named on its way to a client and in the ACK or NACK that comes back, by version.
//! What is still unacknowledged is counted by the session.

use super::{Broken, Frame, Version};
use crate::domain::{Epoch, RoomId, Seq};

/// What a subscription expects of its client, from the header `ack` of SUBSCRIBE.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum AckMode {
    /// Nothing: what was sent counts as received.
    #[default]
    Auto,
    /// An ACK, which stands for all deliveries up to its own.
    Client,
    /// An ACK of each delivery.
    ClientIndividual,
}

impl AckMode {
    /// Reads the header; `auto` where there is none.
    pub(super) fn parse(header: Option<&str>) -> Option<Self> {
        match header {
            None | Some("auto") => Some(Self::Auto),
            Some("client") => Some(Self::Client),
            Some("client-individual") => Some(Self::ClientIndividual),
            Some(_) => None,
        }
    }
}

/// The deliveries that an ACK or NACK is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The subscription it came by; a client of 1.0 need not say.
    pub subscription: Option<String>,
    /// The room, where the id says it (1.0 and 1.1).
    pub room: Option<RoomId>,
    /// The record's number; 0 for what is no record of a room, such as a push of the room list.
    pub seq: Seq,
}

impl Delivery {
    /// Reads ACK or NACK: 1.2 has `id`, 1.1 `subscription` and `message-id`, 1.0 `message-id` alone.
    pub(super) fn parse(frame: &Frame, version: Version) -> Result<Self, Broken> {
        let required = |name: &'static str| {
            let missing = || Broken::malformed(format!("{} must have the header {name}", frame.command));
            frame.header(name).ok_or_else(missing)
        };
        let unknown = |name: &str| {
            Broken::malformed(format!("the {name} of {} is none that a MESSAGE had", frame.command))
        };
        if version == Version::V1_2 {
            return from_ack_id(required("id")?).ok_or_else(|| unknown("id"));
        }
        let subscription = match version {
            Version::V1_0 => frame.header("subscription"),
            _ => Some(required("subscription")?),
        };
        let (room, seq) = from_message_id(required("message-id")?).ok_or_else(|| unknown("message-id"))?;
        Ok(Self { subscription: subscription.map(str::to_owned), room, seq })
    }
}

/// What `ack` says before the number, in a MESSAGE of 1.2.
pub(super) fn ack_prefix(subscription: &str) -> String {
    format!("{subscription}@")
}

fn from_ack_id(id: &str) -> Option<Delivery> {
    let (subscription, seq) = id.rsplit_once('@')?;
    Some(Delivery { subscription: Some(subscription.to_owned()), room: None, seq: number(seq)? })
}

/// The `message-id` of a record. Neither room nor number has a dot in it, so that no two records share one.
pub(super) fn record_id(room: &RoomId, epoch: &Epoch, seq: Seq) -> String {
    format!("{room}.{epoch}.{seq}")
}

/// The `message-id` of what is no record.
pub(super) fn notice_id(number: u64) -> String {
    format!("notice.{number}")
}

fn from_message_id(id: &str) -> Option<(Option<RoomId>, Seq)> {
    let (front, seq) = id.rsplit_once('.')?;
    let seq = number(seq)?;
    match front.split_once('.') {
        Some((room, _)) => Some((Some(RoomId::parse(room)?), seq)),
        None => (front == "notice").then_some((None, 0)),
    }
}

/// A number as this server writes it.
fn number(text: &str) -> Option<u64> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::stomp::Command;

    fn parse(version: Version, headers: &[(&str, &str)]) -> Result<Delivery, Broken> {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        Delivery::parse(&Frame { command: Command::Ack, headers, body: Vec::new() }, version)
    }

    #[test]
    fn an_id_of_1_2_comes_back_as_it_was_given() {
        for subscription in ["sub-0", "", "a@b", "7"] {
            let id = format!("{}12", ack_prefix(subscription));
            let delivery = parse(Version::V1_2, &[("id", &id)]).unwrap();
            let expected = Delivery { subscription: Some(subscription.to_owned()), room: None, seq: 12 };
            assert_eq!(delivery, expected);
        }
    }

    #[test]
    fn a_message_id_of_1_1_and_1_0_has_room_and_number() {
        let id = record_id(&RoomId::new("r-1"), &Epoch::new("e.2"), 7);
        let both = [("subscription", "s"), ("message-id", &*id)];
        let expected =
            Delivery { subscription: Some("s".to_owned()), room: Some(RoomId::new("r-1")), seq: 7 };
        assert_eq!(parse(Version::V1_1, &both).unwrap(), expected);
        assert_eq!(parse(Version::V1_0, &both).unwrap(), expected);
        assert_eq!(
            parse(Version::V1_0, &both[1..]).unwrap(),
            Delivery { subscription: None, ..expected.clone() }
        );
    }

    #[test]
    fn what_is_no_record_is_acknowledged_as_nothing() {
        let notice = notice_id(40);
        let delivery = parse(Version::V1_0, &[("message-id", &notice)]).unwrap();
        assert_eq!(delivery, Delivery { subscription: None, room: None, seq: 0 });
    }

    #[test]
    fn an_id_that_was_never_given_breaks() {
        for id in ["", "sub", "sub@", "sub@x", "sub@-1", "sub@+1", "@99999999999999999999"] {
            assert!(parse(Version::V1_2, &[("id", id)]).is_err(), "{id}");
        }
        for id in ["", "7", "r.7", "notice", "r.e.", "r.e.x", "a b.e.1"] {
            assert!(parse(Version::V1_0, &[("message-id", id)]).is_err(), "{id}");
        }
    }
}
