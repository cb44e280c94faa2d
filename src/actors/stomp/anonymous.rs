//! A client that names itself only in its payloads: its first nickname becomes its own, and no other one is taken.
//! Whether a server allows that is a setting.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use crate::domain::{Code, Limits, Nickname, Refusal};

/// Who an anonymous client has said it is.
#[derive(Debug, Default)]
pub(super) struct Namesake {
    name: Option<(Nickname, Failed)>,
}

/// Told when a client cannot become who it said it is, so that it may say something else.
#[derive(Debug, Clone, Default)]
pub(super) struct Failed(Arc<AtomicBool>);

impl Failed {
    /// It cannot.
    pub(super) fn tell(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn is_told(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What follows from the nickname of a payload.
#[derive(Debug)]
pub(super) enum Sender {
    /// It is the client's own already.
    Known,
    /// It becomes the client's own first, unless that fails.
    New(Nickname, Failed),
}

impl Namesake {
    /// Judges the nickname in a payload.
    ///
    /// # Errors
    /// `invalid`, field `sender`, where there is none or no nickname can be like that; `forbidden` for that of another.
    pub(super) fn judge(&mut self, sender: Option<&str>, limits: &Limits) -> Result<Sender, Refusal> {
        let invalid = |why: String| Refusal::new(Code::Invalid).field("sender").message(why);
        let Some(sender) = sender else { return Err(invalid("sender is missing".to_owned())) };
        let name =
            Nickname::parse(sender, limits).map_err(|refusal| invalid(refusal.message.into_owned()))?;
        match self.name.as_ref().filter(|(_, failed)| !failed.is_told()) {
            Some((own, _)) if own.key() == name.key() => Ok(Sender::Known),
            Some(_) => Err(Refusal::new(Code::Forbidden).message("this connection has another nickname")),
            None => {
                let failed = Failed::default();
                self.name = Some((name.clone(), failed.clone()));
                Ok(Sender::New(name, failed))
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
        let Ok(Sender::New(_, failed)) = namesake.judge(Some("Ada"), &limits) else { panic!("the first") };
        assert!(matches!(namesake.judge(Some("ada"), &limits), Ok(Sender::Known)));
        assert_eq!(namesake.judge(Some("Bob"), &limits).unwrap_err().code, Code::Forbidden);
        for none in [None, Some(""), Some(" ")] {
            assert_eq!(namesake.judge(none, &limits).unwrap_err().field, Some("sender"));
        }
        failed.tell();
        for other in ["Bob", "Ada"] {
            let Ok(Sender::New(_, failed)) = namesake.judge(Some(other), &limits) else { panic!("{other}") };
            failed.tell();
        }
    }
}
