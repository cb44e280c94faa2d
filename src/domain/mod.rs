//! What chat means: values that parse, rooms as folds over their logs, and the table of refusals.
//! Pure by rule: no I/O, no clocks, no randomness, no async; time and ids come in as arguments.

mod body;
mod codes;
mod dedup;
mod deed;
mod desk;
mod foundation;
mod identity;
mod ids;
mod limits;
mod login;
mod members;
mod message;
mod moderation;
mod names;
mod position;
mod rate;
mod record;
mod refusal;
mod room;
mod standing;
#[cfg(test)]
mod testbed;
mod timestamp;
mod user;
mod viewer;

pub use body::MessageBody;
pub use codes::{CloseCode, Code, Retry};
pub use dedup::{DEDUP_MESSAGES, DEDUP_MILLIS, DedupWindow, FirstSend};
pub use deed::{Act, Authority, Belonging, Deed, MOST_REASON_CHARS, Particulars, Penalty, Reason, Role};
pub use desk::{Applied, Asked, Desk, Purpose, Step, Token, Writers};
pub use foundation::{Foundation, Visibility};
pub use identity::{Ban, Identity, ServerRole};
pub use ids::{ClientId, Epoch, LoginId, RoomId, UserId};
pub use limits::Limits;
pub use login::{Device, Email, Login};
pub use members::Members;
pub use message::{Headers, MOST_HEADER_BYTES, MOST_HEADERS, Message};
pub use names::{Name, Nickname, RoomName};
pub use position::{Missing, Position, PositionText, Resume, Seq};
pub use rate::{Bucket, Rate};
pub use record::{Proposal, Record, RecordKind};
pub use refusal::{About, Refusal};
pub use room::{Command, Decision, Outcome, RoomState};
pub use standing::Standings;
pub use timestamp::Timestamp;
pub use user::{RoomInfo, User};
pub use viewer::{Access, Viewer};
