//! A client's frame as a request: every header that its version demands is there, every value parsed.
//! Destinations are still opaque here; `routes` knows them.

use super::{AckMode, Bearer, Broken, Command, Connect, Delivery, Frame, Version};
use crate::domain::{ClientId, Headers, Limits, PositionText, Refusal};

/// What a client asks for, and whether it wants a RECEIPT.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The name of the receipt; none for CONNECT, whose answer is CONNECTED.
    pub receipt: Option<String>,
    /// What it asks for.
    pub action: Action,
}

/// What a client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Say who this is.
    Connect(Connect),
    /// Say something.
    Send(Send),
    /// Get what is said at a destination.
    Subscribe(Subscribe),
    /// Get it no more.
    Unsubscribe(Subscription),
    /// A delivery was consumed.
    Ack {
        /// Which.
        delivery: Delivery,
        /// The transaction it belongs to.
        transaction: Option<String>,
    },
    /// A delivery was not consumed.
    Nack {
        /// Which.
        delivery: Delivery,
        /// The transaction it belongs to.
        transaction: Option<String>,
    },
    /// Begin a transaction.
    Begin(String),
    /// Do all of a transaction, or nothing.
    Commit(String),
    /// Forget a transaction.
    Abort(String),
    /// Say goodbye.
    Disconnect,
}

/// SEND.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Send {
    /// Where to.
    pub destination: String,
    /// What, as bytes that nobody looked at.
    pub body: Vec<u8>,
    /// What the client says that they are.
    pub content_type: Option<String>,
    /// The transaction it belongs to.
    pub transaction: Option<String>,
    /// Makes the send idempotent.
    pub client_id: Option<ClientId>,
    /// The user headers: those that neither the specification nor Klatsch has a meaning for.
    pub headers: Headers,
    /// A token, for who shows a new one.
    pub bearer: Option<Bearer>,
}

/// SUBSCRIBE.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe {
    /// The client's name for it; in 1.0 there may be none.
    pub id: Option<String>,
    /// To what.
    pub destination: String,
    /// How deliveries are acknowledged.
    pub ack: AckMode,
    /// The position above which everything comes.
    pub after: Option<PositionText>,
}

/// A subscription as UNSUBSCRIBE names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subscription {
    /// By its id.
    Id(String),
    /// By its destination, in 1.0, where it has no id.
    Destination(String),
}

/// Why a frame is no request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejected {
    /// It breaks the protocol: ERROR and the close.
    Broken(Broken),
    /// It asks for what no room would do; the connection lives.
    Refused {
        /// Why.
        refusal: Refusal,
        /// The frame's receipt, which never comes.
        receipt: Option<String>,
        /// The transaction of a SEND, which appends nothing any more.
        transaction: Option<String>,
    },
}

/// Headers with a meaning, which are not carried from a SEND to its MESSAGE; nor is `Authorization`.
pub const NAMED_HEADERS: &[&str] = &[
    "accept-version",
    "ack",
    "after",
    "client-id",
    "code",
    "content-length",
    "content-type",
    "destination",
    "epoch",
    "heart-beat",
    "host",
    "id",
    "login",
    "message",
    "message-id",
    "passcode",
    "receipt",
    "receipt-id",
    "seq",
    "server",
    "session",
    "subscription",
    "token",
    "transaction",
    "user-id",
    "user-name",
    "version",
];

/// Longest name that a client may give to a subscription, a transaction or a receipt, in bytes.
const MOST_NAME_BYTES: usize = 255;

impl Request {
    /// Reads a frame. `version` is the one that was agreed on, none before the CONNECT.
    ///
    /// # Errors
    /// The frame breaks the protocol, or asks for what no room would do.
    pub fn parse(frame: Frame, version: Option<Version>, limits: &Limits) -> Result<Self, Rejected> {
        let receipt = frame.header("receipt").map(str::to_owned);
        let broken = |broken: Broken| Rejected::Broken(broken.of_receipt(receipt.as_deref()));
        if frame.command == Command::Connect {
            if version.is_some() {
                return Err(broken(Broken::malformed("the connection is connected already")));
            }
            let connect = Connect::parse(&frame).map_err(broken)?;
            return Ok(Self { receipt: None, action: Action::Connect(connect) });
        }
        let Some(version) = version else {
            return Err(broken(Broken::malformed("the first frame must be CONNECT or STOMP")));
        };
        let transaction = frame.header("transaction").map(str::to_owned);
        match action(frame, version, limits) {
            Ok(action) => Ok(Self { receipt, action }),
            Err(Fault::Broken(fault)) => Err(broken(fault)),
            Err(Fault::Refused(refusal)) => Err(Rejected::Refused { refusal, receipt, transaction }),
        }
    }
}

/// Why a frame is no request, before what it was is added.
enum Fault {
    Broken(Broken),
    Refused(Refusal),
}

impl From<Broken> for Fault {
    fn from(broken: Broken) -> Self {
        Self::Broken(broken)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

fn action(frame: Frame, version: Version, limits: &Limits) -> Result<Action, Fault> {
    if version > Version::V1_0 && frame.command != Command::Send && !frame.body.is_empty() {
        return Err(Broken::malformed("only SEND may have a body").into());
    }
    names_are_short(&frame)?;
    let transaction = || frame.header("transaction").map(str::to_owned);
    Ok(match &frame.command {
        Command::Send => Action::Send(send(frame, limits)?),
        Command::Subscribe => Action::Subscribe(subscribe(&frame, version)?),
        Command::Unsubscribe => Action::Unsubscribe(unsubscribe(&frame, version)?),
        Command::Ack => {
            Action::Ack { delivery: Delivery::parse(&frame, version)?, transaction: transaction() }
        }
        Command::Nack if version > Version::V1_0 => {
            Action::Nack { delivery: Delivery::parse(&frame, version)?, transaction: transaction() }
        }
        Command::Begin => Action::Begin(required(&frame, "transaction")?),
        Command::Commit => Action::Commit(required(&frame, "transaction")?),
        Command::Abort => Action::Abort(required(&frame, "transaction")?),
        Command::Disconnect => Action::Disconnect,
        Command::Connect | Command::Nack | Command::Unknown(_) => {
            return Err(Broken::malformed(format!("STOMP {version} has no frame {}", frame.command)).into());
        }
    })
}

fn send(frame: Frame, limits: &Limits) -> Result<Send, Fault> {
    let destination = required(&frame, "destination")?;
    let client_id = frame.header("client-id").map(|id| ClientId::parse(id, limits)).transpose()?;
    let headers = frame.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let headers = Headers::parse(headers.filter(|(name, _)| is_of_the_user(name)))?;
    let [content_type, transaction] =
        ["content-type", "transaction"].map(|name| frame.header(name).map(str::to_owned));
    let bearer = Bearer::of(&frame);
    Ok(Send { destination, body: frame.body, content_type, transaction, client_id, headers, bearer })
}

/// Many clients trim names, so that a padded name must not stand for one with a meaning in somebody else's MESSAGE.
fn is_of_the_user(name: &str) -> bool {
    let name = name.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    !name.is_empty() && !NAMED_HEADERS.contains(&name) && !name.eq_ignore_ascii_case("authorization")
}

fn subscribe(frame: &Frame, version: Version) -> Result<Subscribe, Fault> {
    let id = match version {
        Version::V1_0 => frame.header("id").map(str::to_owned),
        _ => Some(required(frame, "id")?),
    };
    let destination = required(frame, "destination")?;
    let ack = AckMode::parse(frame.header("ack"))
        .ok_or_else(|| Broken::malformed("ack must be auto, client or client-individual"))?;
    let after = frame.header("after").map(|after| PositionText::parse(after, "after")).transpose()?;
    Ok(Subscribe { id, destination, ack, after })
}

fn unsubscribe(frame: &Frame, version: Version) -> Result<Subscription, Broken> {
    match (frame.header("id"), version) {
        (Some(id), _) => Ok(Subscription::Id(id.to_owned())),
        (None, Version::V1_0) => required(frame, "destination").map(Subscription::Destination),
        (None, _) => required(frame, "id").map(Subscription::Id),
    }
}

fn required(frame: &Frame, name: &str) -> Result<String, Broken> {
    let missing = || Broken::malformed(format!("{} must have the header {name}", frame.command));
    frame.header(name).map(str::to_owned).ok_or_else(missing)
}

/// Names are kept and repeated by the server, so that they must be short.
fn names_are_short(frame: &Frame) -> Result<(), Broken> {
    let too_long = |name: &&&str| frame.header(name).is_some_and(|value| value.len() > MOST_NAME_BYTES);
    // The id of an ACK is longer than that of its subscription, and not kept.
    let names: &[&str] = match frame.command {
        Command::Ack | Command::Nack => &["transaction", "receipt"],
        _ => &["id", "transaction", "receipt"],
    };
    match names.iter().find(too_long) {
        Some(name) => Err(Broken::too_large(format!("{name} may have {MOST_NAME_BYTES} bytes"))),
        None => Ok(()),
    }
}
