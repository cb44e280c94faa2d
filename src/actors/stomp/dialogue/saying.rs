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
    domain::{Code, Message, Refusal},
    wire::stomp::{self, Broken, Said, Spoken},
};

impl Dialogue {
    pub(super) fn send(
        &mut self,
        notices: &Arc<Notices>,
        send: stomp::Send,
        receipt: Option<String>,
    ) -> Result<(), Broken> {
        let stomp::Send { destination, body, transaction, client_id, headers, .. } = send;
        let transaction = transaction.as_deref();
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

    /// Has a client that named itself only now become somebody. `true` if that is under way because of this frame.
    fn bind(
        &mut self,
        notices: &Arc<Notices>,
        sender: Option<&str>,
        receipt: Option<&String>,
    ) -> Result<bool, Refusal> {
        let Some(namesake) = self.namesake.as_mut() else { return Ok(false) };
        if self.session.user().is_none() && !self.session.is_connecting() {
            namesake.forget();
        }
        match namesake.judge(sender, self.session.engine().limits())? {
            Sender::Known => Ok(false),
            Sender::New(nickname) => {
                let binding = Binding { notices: Arc::clone(notices), receipt: receipt.cloned() };
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
