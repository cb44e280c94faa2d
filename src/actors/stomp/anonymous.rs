//! A client that names itself only in its payloads: its first nickname becomes its own, and no other one is taken.
//! Whether a server allows that is a setting.

use crate::domain::{Code, Limits, Nickname, Refusal};

/// Who an anonymous client has said it is.
#[derive(Debug, Default)]
pub(super) struct Namesake {
    name: Option<Nickname>,
}

/// What follows from the nickname of a payload.
#[derive(Debug)]
pub(super) enum Sender {
    /// It is the client's own already.
    Known,
    /// It becomes the client's own first.
    New(Nickname),
}

impl Namesake {
    /// The client did not become who it said it is, so it may say something else.
    pub(super) fn forget(&mut self) {
        self.name = None;
    }

    /// Judges the nickname in a payload.
    ///
    /// # Errors
    /// `invalid`, field `sender`, where there is none or no nickname can be like that; `forbidden` for that of another.
    pub(super) fn judge(&mut self, sender: Option<&str>, limits: &Limits) -> Result<Sender, Refusal> {
        let invalid = |why: String| Refusal::new(Code::Invalid).field("sender").message(why);
        let Some(sender) = sender else { return Err(invalid("sender is missing".to_owned())) };
        let name =
            Nickname::parse(sender, limits).map_err(|refusal| invalid(refusal.message.into_owned()))?;
        match &self.name {
            Some(own) if own.key() == name.key() => Ok(Sender::Known),
            Some(_) => Err(Refusal::new(Code::Forbidden).message("this connection has another nickname")),
            None => {
                self.name = Some(name.clone());
                Ok(Sender::New(name))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sender_is_the_only_one() {
        let (mut namesake, limits) = (Namesake::default(), Limits::default());
        assert!(matches!(namesake.judge(Some("Ada"), &limits), Ok(Sender::New(_))));
        assert!(matches!(namesake.judge(Some("ada"), &limits), Ok(Sender::Known)));
        assert_eq!(namesake.judge(Some("Bob"), &limits).unwrap_err().code, Code::Forbidden);
        for none in [None, Some(""), Some(" ")] {
            assert_eq!(namesake.judge(none, &limits).unwrap_err().field, Some("sender"));
        }
        namesake.forget();
        assert!(matches!(namesake.judge(Some("Bob"), &limits), Ok(Sender::New(_))));
    }
}
