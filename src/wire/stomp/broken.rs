//! A frame that breaks the protocol: what the client did, for the ERROR frame that goes before the close.
//! Not a refusal: what a room does not want to hear breaks nothing.

use std::borrow::Cow;

use thiserror::Error;

use super::Version;

/// Why a connection cannot go on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct Broken {
    /// The kind of fault.
    pub cause: Cause,
    /// A sentence for people.
    pub message: Cow<'static, str>,
    /// The `receipt` of the frame, where it could be read; ERROR repeats it as `receipt-id`.
    pub receipt: Option<String>,
}

/// The kinds of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// The frame does not follow the specification.
    Malformed,
    /// It is larger than the server takes.
    TooLarge,
    /// Client and server have no version in common.
    NoCommonVersion,
}

impl Broken {
    /// A frame that does not follow the specification.
    pub fn malformed(message: impl Into<Cow<'static, str>>) -> Self {
        Self { cause: Cause::Malformed, message: message.into(), receipt: None }
    }

    /// A frame that is larger than the server takes.
    pub fn too_large(message: impl Into<Cow<'static, str>>) -> Self {
        Self { cause: Cause::TooLarge, message: message.into(), receipt: None }
    }

    /// A CONNECT whose versions the server does not know.
    pub fn no_common_version() -> Self {
        let message = format!("Supported protocol versions are {}", Version::LIST);
        Self { cause: Cause::NoCommonVersion, message: message.into(), receipt: None }
    }

    /// Names the frame's receipt.
    #[must_use]
    pub fn of_receipt(mut self, receipt: Option<&str>) -> Self {
        self.receipt = receipt.map(str::to_owned);
        self
    }
}
