//! What the server says about the connection and its frames: CONNECTED, RECEIPT and ERROR.
//! MESSAGE is made in `message` and `notice`, for it is shared by many readers.

use bytestring::ByteString;

use super::{
    Broken, Cause, Heartbeat, Version,
    escape::{can_say, escape_into},
};
use crate::{
    domain::{Refusal, User},
    wire::{json, problem::Problem},
};

/// The end of a line between frames, which is a heart-beat.
pub const HEARTBEAT: ByteString = ByteString::from_static("\n");

/// The text of a frame, header by header.
#[derive(Debug)]
pub(super) struct Writer {
    text: String,
    version: Version,
}

impl Writer {
    /// Begins a frame.
    pub(super) fn new(command: &str, version: Version) -> Self {
        Self::after_head(format!("{command}\n"), version)
    }

    /// Goes on with a frame whose beginning is written.
    pub(super) fn after_head(text: String, version: Version) -> Self {
        Self { text, version }
    }

    /// Adds a header. One that 1.0 cannot say, having no escapes, is left out there.
    pub(super) fn header(&mut self, name: &str, value: &str) -> &mut Self {
        if can_say(name, value, self.version) {
            escape_into(&mut self.text, name, self.version);
            self.text.push(':');
            escape_into(&mut self.text, value, self.version);
            self.text.push('\n');
        }
        self
    }

    /// Adds a header that may be missing.
    pub(super) fn optional(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        match value {
            Some(value) => self.header(name, value),
            None => self,
        }
    }

    /// The text so far.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Ends a frame that has no body.
    pub(super) fn end(mut self) -> ByteString {
        self.text.push_str("\n\0");
        self.text.into()
    }

    /// Ends a frame with a body and its length.
    pub(super) fn end_with(mut self, content_type: &str, body: &str) -> ByteString {
        let length = body.len().to_string();
        self.header("content-type", content_type).header("content-length", &length);
        self.text.reserve_exact(body.len() + 2);
        self.text.push('\n');
        self.text.push_str(body);
        self.text.push('\0');
        self.text.into()
    }
}

/// What a client is told once it is connected.
#[derive(Debug, Clone, Copy)]
pub struct Welcome<'a> {
    /// Names the session.
    pub session: &'a str,
    /// Who the client is, if it has said so.
    pub user: Option<&'a User>,
    /// The token that the CONNECT made, where it made one.
    pub token: Option<&'a str>,
    /// What the server offers.
    pub heartbeat: Heartbeat,
}

/// CONNECTED, with `version`, `heart-beat` (not in 1.0), `session`, `server`, `user-name`, `user-id` and, for a new
/// guest, `token`.
pub fn connected(version: Version, welcome: Welcome<'_>) -> ByteString {
    // No version escapes this frame.
    let mut frame = Writer::new("CONNECTED", Version::V1_0);
    frame.header("version", version.name());
    if version > Version::V1_0 {
        frame.header("heart-beat", &welcome.heartbeat.to_string());
    }
    frame
        .header("session", welcome.session)
        .header("server", concat!("klatsch/", env!("CARGO_PKG_VERSION")))
        .optional("user-name", welcome.user.map(|user| &*user.nickname))
        .optional("user-id", welcome.user.map(|user| user.id.as_str()))
        .optional("token", welcome.token);
    frame.end()
}

/// RECEIPT for the frame that asked for it.
pub fn receipt(version: Version, receipt: &str) -> ByteString {
    let mut frame = Writer::new("RECEIPT", version);
    frame.header("receipt-id", receipt);
    frame.end()
}

/// ERROR for a frame that breaks the protocol; the connection ends with it. Before a version is agreed on it is
/// written as 1.0 has it.
pub fn broken(version: Option<Version>, broken: &Broken) -> ByteString {
    let mut frame = Writer::new("ERROR", version.unwrap_or(Version::V1_0));
    let (short, code) = match broken.cause {
        Cause::Malformed => ("malformed frame received", "malformed"),
        Cause::TooLarge => ("frame too large", "too_large"),
        Cause::NoCommonVersion => ("no common version", "malformed"),
    };
    if broken.cause == Cause::NoCommonVersion {
        frame.header("version", Version::LIST);
    }
    frame.header("message", short).header("code", code).optional("receipt-id", broken.receipt.as_deref());
    frame.end_with("text/plain", &broken.message)
}

/// ERROR for a CONNECT that is refused, or for any frame where the settings want it so; the connection ends with it.
/// The body is the problem that `/user/queue/errors` would hold, `status` what HTTP says for its code.
pub fn refused(
    version: Option<Version>,
    refusal: &Refusal,
    receipt: Option<&str>,
    status: u16,
) -> ByteString {
    let mut frame = Writer::new("ERROR", version.unwrap_or(Version::V1_0));
    frame
        .header("message", &on_one_line(&refusal.message))
        .header("code", refusal.code.name())
        .optional("receipt-id", receipt);
    frame.end_with("application/problem+json", &json::text(&Problem::of(refusal, status)))
}

/// ERROR for a connection that the server ends for reasons of its own, such as unacknowledged messages without end.
pub fn ended(version: Option<Version>, code: &str, message: &str) -> ByteString {
    let mut frame = Writer::new("ERROR", version.unwrap_or(Version::V1_0));
    frame.header("message", &on_one_line(message)).header("code", code);
    frame.end_with("text/plain", message)
}

fn on_one_line(message: &str) -> String {
    message.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Code, UserId};

    #[test]
    fn connected_says_who_the_client_is_and_escapes_nothing() {
        let user = User { id: UserId::new("u1"), nickname: "A:\\da".into() };
        let heartbeat = Heartbeat { can: 10_000, wants: 9_000 };
        let welcome = Welcome { session: "s1", user: Some(&user), token: Some("t"), heartbeat };
        let server = concat!("server:klatsch/", env!("CARGO_PKG_VERSION"));
        assert_eq!(
            connected(Version::V1_2, welcome),
            format!(
                "CONNECTED\nversion:1.2\nheart-beat:10000,9000\nsession:s1\n{server}\nuser-name:A:\\da\nuser-id:u1\n\
                token:t\n\n\0"
            )
        );
        let old = connected(Version::V1_0, Welcome { token: None, ..welcome });
        assert!(old.starts_with("CONNECTED\nversion:1.0\nsession:s1\n"), "{old}");
        assert!(!old.contains("token") && !old.contains("heart-beat"), "{old}");
    }

    #[test]
    fn a_receipt_repeats_its_id_with_the_escapes_of_the_version() {
        let all = Version::ALL.map(|version| receipt(version, "a:b\\c"));
        let [old, middle, new] = all.each_ref().map(|frame| &**frame);
        assert_eq!(old, "RECEIPT\nreceipt-id:a:b\\c\n\n\0");
        assert_eq!(middle, "RECEIPT\nreceipt-id:a\\cb\\\\c\n\n\0");
        assert_eq!(middle, new);
    }

    #[test]
    fn an_error_says_why_and_for_which_frame() {
        let fault = Broken::malformed("a header must have a colon").of_receipt(Some("r1"));
        assert_eq!(
            broken(Some(Version::V1_2), &fault),
            "ERROR\nmessage:malformed frame received\ncode:malformed\nreceipt-id:r1\ncontent-type:text/plain\n\
             content-length:26\n\na header must have a colon\0"
        );
        let refusal = Refusal::new(Code::NicknameTaken).message("one\ntwo");
        let error = refused(None, &refusal, None, 409);
        assert!(error.starts_with("ERROR\nmessage:one two\ncode:nickname_taken\ncontent-type:"), "{error}");
        assert!(error.contains(r#""status":409,"detail":"one\ntwo","code":"nickname_taken""#), "{error}");
    }

    #[test]
    fn no_common_version_lists_the_versions() {
        let error = broken(None, &Broken::no_common_version());
        assert!(error.starts_with("ERROR\nversion:1.0,1.1,1.2\n"), "{error}");
        assert!(error.ends_with("\n\nSupported protocol versions are 1.0,1.1,1.2\0"), "{error}");
    }

    #[test]
    fn a_value_cannot_smuggle_in_a_header() {
        for version in Version::ALL {
            let mut frame = Writer::new("MESSAGE", version);
            frame.header("a", "x\nevil:1").header("b\nevil", "2").header("c:evil", "3").header("d", "\0");
            let text = frame.end();
            assert!(!text.lines().any(|line| line.starts_with("evil:")), "{text}");
            assert_eq!(text.matches('\0').count(), 1, "{text}");
        }
    }
}
