//! SEND and COMMIT: what a client says, who it is where it says that only now, and what is said together.
//! Whether a room takes it is the room's to say.

use std::sync::Arc;

use super::{
    super::{
        anonymous::Sender,
        notices::Notices,
        tongue::{Binding, Plain},
    },
    Dialogue,
};
use crate::{
    actors::session::{Connect, Request},
    auth::Token,
    domain::{Code, Message, Refusal},
    wire::stomp::{self, Bearer, Broken, Said, Spoken},
};

impl Dialogue {
    pub(super) fn send(
        &mut self,
        notices: &Arc<Notices>,
        send: stomp::Send,
        receipt: Option<String>,
    ) -> Result<(), Broken> {
        let stomp::Send { destination, body, transaction, client_id, headers, bearer, .. } = send;
        let transaction = transaction.as_deref();
        if *destination == *self.options.refresh {
            return self.renew(notices, bearer, receipt, transaction);
        }
        let limits = self.session.engine().limits();
        let spoken = self.options.routes.spoken(&destination, &body, limits);
        let Spoken { room, sender, said } = match spoken {
            Ok(spoken) => spoken,
            Err(refusal) => return self.refuse(refusal, receipt, transaction),
        };
        let is_bound_here = match self.bind(notices, sender.as_deref(), receipt.as_ref()) {
            Ok(is_bound_here) => is_bound_here,
            Err(refusal) => return self.refuse(refusal, receipt, transaction),
        };
        let request = match (said, transaction) {
            (Said::Message(body), None) => Request::Send(room, Message { body, client_id, headers }),
            (Said::Join, None) => Request::Enter(room),
            (Said::Leave, None) => Request::Leave(room),
            (Said::Message(body), Some(name)) => {
                let message = Message { body, client_id, headers };
                self.transactions.open(name)?.send(room, message, receipt);
                return Ok(());
            }
            (Said::Join | Said::Leave, Some(_)) => {
                let why = "a transaction takes messages alone";
                let refusal = Refusal::new(Code::Invalid).field("type").message(why);
                return self.refuse(refusal, receipt, transaction);
            }
        };
        self.session.take(Plain { is_bound_here, ..Plain::new(notices, receipt) }, request);
        Ok(())
    }

    /// Shows a new token in the place of one that expires.
    fn renew(
        &mut self,
        notices: &Arc<Notices>,
        bearer: Option<Bearer>,
        receipt: Option<String>,
        transaction: Option<&str>,
    ) -> Result<(), Broken> {
        let why = match (bearer, transaction) {
            (Some(bearer), None) => {
                let token = Token::shown(bearer.into_token());
                self.session.take(Plain::new(notices, receipt), Request::Renew(token));
                return Ok(());
            }
            (None, _) => "a new token comes in Authorization: Bearer",
            (Some(_), Some(_)) => "a transaction takes messages alone",
        };
        let refusal = Refusal::new(Code::Invalid).field("authorization").message(why);
        self.refuse(refusal, receipt, transaction)
    }

    /// Has a client that named itself only now become somebody. `true` if that is under way because of this frame.
    fn bind(
        &mut self,
        notices: &Arc<Notices>,
        sender: Option<&str>,
        receipt: Option<&String>,
    ) -> Result<bool, Refusal> {
        let Some(namesake) = self.namesake.as_mut() else { return Ok(false) };
        match namesake.judge(sender, self.session.engine().limits())? {
            Sender::Known => Ok(false),
            Sender::New(nickname, failed) => {
                let binding = Binding { notices: Arc::clone(notices), receipt: receipt.cloned(), failed };
                self.session.take(binding, Request::Connect(Connect::Guest { nickname, secret: None }));
                Ok(true)
            }
        }
    }

    pub(super) fn commit(
        &mut self,
        notices: &Arc<Notices>,
        name: &str,
        receipt: Option<String>,
    ) -> Result<(), Broken> {
        let transaction = self.transactions.end(name)?;
        if let Some(refusal) = transaction.refused {
            return self.refuse(refusal, receipt, None);
        }
        for (delivery, ack) in &transaction.acks {
            if let Err(refusal) = self.acknowledge(delivery, *ack) {
                return self.refuse(refusal, receipt, None);
            }
        }
        let plain = Plain { earlier: transaction.receipts, ..Plain::new(notices, receipt) };
        self.session.take(plain, Request::SendAll(transaction.sends));
        Ok(())
    }
}
