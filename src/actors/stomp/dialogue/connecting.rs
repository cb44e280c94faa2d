//! CONNECT: which version is spoken, how heart-beats go, and who the client is.
//! Whether a token or a secret is good is judged behind the session.

use std::sync::Arc;

use super::{
    super::{anonymous::Namesake, notices::Notices, tongue::Introduction},
    Dialogue,
};
use crate::{
    actors::session::{Connect, Request},
    config::AnonymousClients,
    domain::{Code, Nickname, Refusal},
    wire::stomp::{self, Heartbeat, Identity, Version, Welcome},
};

impl Dialogue {
    pub(super) fn connect(&mut self, connect: stomp::Connect) {
        let stomp::Connect { version, identity, heartbeat, .. } = connect;
        self.decoder.set_version(version);
        let notices = Arc::new(Notices::new(version, Arc::clone(&self.options)));
        self.notices = Some(Arc::clone(&notices));
        let offer = match version {
            Version::V1_0 => Heartbeat::default(),
            _ => Heartbeat::of_server(self.options.heartbeat_ms),
        };
        let agreed = offer.agree(heartbeat);
        self.session.line().pulse.agree(agreed.send_every, agreed.dead_after);
        let introduction = Introduction { notices, heartbeat: offer };
        match self.identified(identity) {
            Ok(Some(connect)) => self.session.take(introduction, Request::Connect(connect)),
            Ok(None) => self.welcome_stranger(version, offer),
            Err(refusal) => self.session.refuse(introduction, &refusal),
        }
    }

    /// How a client connects; not at all where it may stay nobody.
    fn identified(&self, identity: Identity) -> Result<Option<Connect>, Refusal> {
        let limits = self.session.engine().limits();
        let nickname = |login: &str| Nickname::parse(login, limits);
        Ok(Some(match identity {
            Identity::Token(token) | Identity::Passcode { passcode: token, login: None } => {
                Connect::Token(token)
            }
            Identity::Passcode { passcode, login: Some(login) } => {
                Connect::TokenOrSecret { passcode, nickname: nickname(&login)? }
            }
            Identity::Nickname(login) => Connect::Guest { nickname: nickname(&login)?, secret: None },
            Identity::Nobody if self.options.anonymous == AnonymousClients::Bind => return Ok(None),
            Identity::Nobody => {
                let how = "CONNECT needs a login, or a token as passcode or in Authorization: Bearer";
                return Err(Refusal::new(Code::Unauthenticated).message(how));
            }
        }))
    }

    fn welcome_stranger(&mut self, version: Version, heartbeat: Heartbeat) {
        self.namesake = Some(Namesake::default());
        let line = self.session.line();
        line.pulse.connected();
        let session = self.session.name();
        line.outbox.push(stomp::connected(
            version,
            Welcome { session: &session, user: None, token: None, heartbeat },
        ));
    }
}
