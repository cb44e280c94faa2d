//! One client's conversation: each frame is judged as far as a connection can, and becomes a request of the session.
//! After a broken frame, or DISCONNECT, nothing more is heard.

mod connecting;
mod reading;
mod saying;

use std::sync::Arc;

use super::{
    StompOptions,
    anonymous::Namesake,
    notices::Notices,
    subscriptions::{Subscriptions, name_in},
    tongue::{Farewell, Plain},
    transactions::{Ack, Transactions},
};
use crate::{
    actors::{
        conversation::{Conversation, Incoming},
        limits::Admission,
        outbox::Pending,
        session::{Progress, Request, Session, SessionState},
    },
    domain::{CloseCode, Refusal},
    wire::stomp::{self, Action, Bounds, Broken, Cause, Decoder, Item, Rejected},
};

/// A conversation in STOMP.
pub(super) struct Dialogue {
    session: Session,
    options: Arc<StompOptions>,
    decoder: Decoder,
    /// The client's own queue, from its CONNECT on.
    notices: Option<Arc<Notices>>,
    subscriptions: Subscriptions,
    transactions: Transactions,
    /// There for a client that did not say who it is.
    namesake: Option<Namesake>,
    is_over: bool,
}

impl Conversation for Dialogue {
    fn take(&mut self, message: Incoming<'_>) {
        self.session.line().pulse.spoke();
        let mut bytes = match message {
            Incoming::Text(text) => text.as_bytes(),
            Incoming::Binary(bytes) => bytes,
        };
        while !self.is_over {
            let before = bytes.len();
            let decoded = self.decoder.decode(&mut bytes);
            let taken = match decoded {
                Ok(Some(Item::Frame(frame))) => self.admit(before - bytes.len(), frame),
                Ok(Some(Item::EndOfLine)) => Ok(()),
                Ok(None) => return,
                Err(broken) => Err(broken),
            };
            if let Err(broken) = taken {
                self.broken(&broken);
            }
        }
    }

    fn wants_more(&self) -> bool {
        self.session.wants_more()
    }

    fn advance(&mut self) {
        self.session.advance();
    }

    fn progress(&mut self, progress: Progress) {
        self.session.progress(progress);
    }

    fn close(&mut self) {
        self.session.close();
    }

    fn observe(&self) -> SessionState {
        self.session.observe()
    }
}

impl Dialogue {
    pub(super) fn new(session: Session, options: Arc<StompOptions>, bounds: Bounds) -> Self {
        Self {
            session,
            options,
            decoder: Decoder::new(bounds),
            notices: None,
            subscriptions: Subscriptions::default(),
            transactions: Transactions::default(),
            namesake: None,
            is_over: false,
        }
    }

    fn broken(&mut self, broken: &Broken) {
        let code = match broken.cause {
            Cause::TooLarge => CloseCode::MessageTooBig,
            Cause::Malformed | Cause::NoCommonVersion => CloseCode::BrokenProtocol,
        };
        let outbox = &self.session.line().outbox;
        outbox.push(stomp::broken(self.notices.as_ref().map(|notices| notices.version), broken));
        outbox.end(code);
        self.is_over = true;
    }

    /// Takes a frame, of which so many bytes came last, unless it is too much.
    fn admit(&mut self, bytes: usize, frame: stomp::Frame) -> Result<(), Broken> {
        match self.session.admit(bytes) {
            Admission::Granted => self.frame(frame),
            Admission::Refused(refusal) => self.too_much(frame, refusal),
            Admission::Flood => {
                self.is_over = true;
                self.session.line().outbox.close(CloseCode::OverRate, Pending::Flush);
                Ok(())
            }
        }
    }

    /// Refuses a frame for its client's rate; it must be one all the same, for its receipt is named.
    fn too_much(&mut self, frame: stomp::Frame, refusal: Refusal) -> Result<(), Broken> {
        let version = self.notices.as_ref().map(|notices| notices.version);
        match stomp::Request::parse(frame, version, self.session.engine().limits()) {
            // Who goes is let go.
            Ok(request) if request.action == Action::Disconnect => {
                self.action(request.action, request.receipt)
            }
            Ok(request) => {
                let transaction = transaction_of(&request.action);
                self.refuse(refusal, request.receipt, transaction)
            }
            Err(Rejected::Broken(broken)) => Err(broken),
            Err(Rejected::Refused { receipt, transaction, .. }) => {
                self.refuse(refusal, receipt, transaction.as_deref())
            }
        }
    }

    fn frame(&mut self, frame: stomp::Frame) -> Result<(), Broken> {
        let version = self.notices.as_ref().map(|notices| notices.version);
        let request = match stomp::Request::parse(frame, version, self.session.engine().limits()) {
            Ok(request) => request,
            Err(Rejected::Broken(broken)) => return Err(broken),
            Err(Rejected::Refused { refusal, receipt, transaction }) => {
                return self.refuse(refusal, receipt, transaction.as_deref());
            }
        };
        let receipt = request.receipt.clone();
        self.action(request.action, receipt.clone()).map_err(|broken| broken.of_receipt(receipt.as_deref()))
    }

    fn action(&mut self, action: Action, receipt: Option<String>) -> Result<(), Broken> {
        let Some(notices) = self.notices.clone() else {
            // The parser lets nothing else come first, and this no second time.
            if let Action::Connect(connect) = action {
                self.connect(connect);
            }
            return Ok(());
        };
        let plain = |receipt| Plain::new(&notices, receipt);
        match action {
            Action::Send(send) => return self.send(&notices, send, receipt),
            Action::Subscribe(subscribe) => return self.subscribe(&notices, &subscribe, receipt),
            Action::Unsubscribe(subscription) => {
                let name = name_in(&subscription);
                self.subscriptions.remove(&name);
                notices.forget(&name);
                self.session.take(plain(receipt), Request::Unsubscribe(name));
            }
            Action::Ack { delivery, transaction } => {
                return self.ack(delivery, Ack::Consumed, receipt, transaction.as_deref());
            }
            Action::Nack { delivery, transaction } => {
                return self.ack(delivery, Ack::NotConsumed, receipt, transaction.as_deref());
            }
            Action::Begin(name) => {
                self.transactions.begin(name)?;
                self.session.take(plain(receipt), Request::Ping);
            }
            Action::Abort(name) => {
                self.transactions.end(&name)?;
                self.session.take(plain(receipt), Request::Ping);
            }
            Action::Commit(name) => return self.commit(&notices, &name, receipt),
            Action::Disconnect => {
                let outbox = Arc::clone(&self.session.line().outbox);
                self.session.take(Farewell { plain: plain(receipt), outbox }, Request::End);
                self.is_over = true;
            }
            Action::Connect(_) => {}
        }
        Ok(())
    }

    /// Refuses a frame; one of a transaction is refused with all of it, when it is to be done.
    fn refuse(
        &mut self,
        refusal: Refusal,
        receipt: Option<String>,
        transaction: Option<&str>,
    ) -> Result<(), Broken> {
        match (transaction, &self.notices) {
            (Some(name), _) => self.transactions.open(name)?.refuse(refusal),
            (None, Some(notices)) => self.session.refuse(Plain::new(notices, receipt), &refusal),
            (None, None) => {}
        }
        Ok(())
    }
}

/// The transaction that a frame is part of.
fn transaction_of(action: &Action) -> Option<&str> {
    match action {
        Action::Send(send) => send.transaction.as_deref(),
        Action::Ack { transaction, .. } | Action::Nack { transaction, .. } => transaction.as_deref(),
        _ => None,
    }
}
