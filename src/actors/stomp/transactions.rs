//! The transactions of a STOMP client: what is done at COMMIT, all of it or nothing.
//! Doing it is the session's business.

use std::collections::HashMap;

use crate::{
    domain::{Code, Message, Refusal, RoomId},
    wire::stomp::{Broken, Delivery},
};

/// Most transactions that may be open at once.
const MOST_OPEN: usize = 16;

/// Most frames of a transaction.
const MOST_FRAMES: usize = 256;

/// Most bytes of a transaction's messages.
const MOST_BYTES: usize = 256 * 1024;

/// The open transactions of one client.
#[derive(Debug, Default)]
pub(super) struct Transactions(HashMap<String, Transaction>);

/// What was asked for within one transaction.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// Messages, in order.
    pub sends: Vec<(RoomId, Message)>,
    /// Deliveries that are acknowledged.
    pub acks: Vec<(Delivery, Ack)>,
    /// Receipts that its frames asked for.
    pub receipts: Vec<String>,
    /// Why nothing of it will be done.
    pub refused: Option<Refusal>,
    bytes: usize,
}

/// How a delivery ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ack {
    Consumed,
    NotConsumed,
}

impl Transactions {
    /// Opens one.
    ///
    /// # Errors
    /// The name is in use, or too many are open.
    pub(super) fn begin(&mut self, name: String) -> Result<(), Broken> {
        if self.0.contains_key(&name) {
            return Err(Broken::malformed("the transaction has begun already"));
        }
        if self.0.len() == MOST_OPEN {
            return Err(Broken::malformed(format!("at most {MOST_OPEN} transactions may be open")));
        }
        self.0.insert(name, Transaction::default());
        Ok(())
    }

    /// An open one.
    ///
    /// # Errors
    /// It was never begun, or has ended.
    pub(super) fn open(&mut self, name: &str) -> Result<&mut Transaction, Broken> {
        self.0.get_mut(name).ok_or_else(unknown)
    }

    /// Ends one, to be done or forgotten.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub(super) fn end(&mut self, name: &str) -> Result<Transaction, Broken> {
        self.0.remove(name).ok_or_else(unknown)
    }
}

fn unknown() -> Broken {
    Broken::malformed("there is no such transaction")
}

impl Transaction {
    /// Adds a message, with the receipt that its frame asked for.
    pub(super) fn send(&mut self, room: RoomId, message: Message, receipt: Option<String>) {
        self.bytes += message.body.as_str().len() + message.headers.size();
        if self.is_within_bounds() {
            self.sends.push((room, message));
            self.receipts.extend(receipt);
        }
    }

    /// Adds an ACK or NACK, with the receipt that its frame asked for.
    pub(super) fn acknowledge(&mut self, delivery: Delivery, ack: Ack, receipt: Option<String>) {
        if self.is_within_bounds() {
            self.acks.push((delivery, ack));
            self.receipts.extend(receipt);
        }
    }

    /// Has nothing of it be done; the first reason counts.
    pub(super) fn refuse(&mut self, refusal: Refusal) {
        self.refused.get_or_insert(refusal);
        self.sends.clear();
    }

    fn is_within_bounds(&mut self) -> bool {
        let fits = self.sends.len() + self.acks.len() < MOST_FRAMES && self.bytes <= MOST_BYTES;
        if !fits {
            self.refuse(Refusal::new(Code::TooLarge).message(format!(
                "a transaction may have {MOST_FRAMES} frames and {MOST_BYTES} bytes of messages"
            )));
        }
        fits && self.refused.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::MessageBody;

    fn message(text: &str) -> Message {
        Message::new(MessageBody::stored(text), None)
    }

    #[test]
    fn a_transaction_is_used_between_its_beginning_and_its_end() {
        let mut transactions = Transactions::default();
        assert!(transactions.open("t").is_err() && transactions.end("t").is_err());
        transactions.begin("t".to_owned()).unwrap();
        assert!(transactions.begin("t".to_owned()).is_err());
        transactions.open("t").unwrap().send(RoomId::new("r"), message("x"), Some("1".to_owned()));
        let done = transactions.end("t").unwrap();
        assert_eq!((done.sends.len(), done.receipts.len()), (1, 1));
        assert!(transactions.end("t").is_err());
    }

    #[test]
    fn a_transaction_that_was_refused_once_stays_so() {
        let mut transaction = Transaction::default();
        transaction.refuse(Code::NotFound.into());
        transaction.refuse(Code::Invalid.into());
        transaction.send(RoomId::new("r"), message("x"), None);
        assert_eq!(transaction.refused.map(|refusal| refusal.code), Some(Code::NotFound));
        assert!(transaction.sends.is_empty());
    }

    #[test]
    fn transactions_are_bounded_in_number_frames_and_bytes() {
        let mut transactions = Transactions::default();
        for number in 0..MOST_OPEN {
            transactions.begin(number.to_string()).unwrap();
        }
        assert!(transactions.begin("one more".to_owned()).is_err());
        for text in ["x".to_owned(), "x".repeat(MOST_BYTES / 10)] {
            let mut transaction = Transaction::default();
            for _ in 0..=MOST_FRAMES {
                transaction.send(RoomId::new("r"), message(&text), None);
            }
            assert_eq!(transaction.refused.map(|refusal| refusal.code), Some(Code::TooLarge));
            assert!(transaction.sends.is_empty());
        }
    }
}
