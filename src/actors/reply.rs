//! The one answer that somebody waits for, however they wait.
//! It is given exactly once: forgetting it, as a dying actor does, is an answer too.

use tokio::sync::oneshot;

use crate::domain::{Code, Refusal};

/// Takes the answer to a request.
pub(super) struct Reply<T>(Option<Box<dyn FnOnce(Result<T, Refusal>) + Send>>);

impl<T: Send + 'static> Reply<T> {
    /// Hands the answer to a function, which must not block.
    pub(super) fn new(take: impl FnOnce(Result<T, Refusal>) + Send + 'static) -> Self {
        Self(Some(Box::new(take)))
    }

    /// Hands the answer to whoever awaits the receiver.
    pub(super) fn channel() -> (Self, oneshot::Receiver<Result<T, Refusal>>) {
        let (sender, receiver) = oneshot::channel();
        // Whoever waited may have gone; then nobody needs the answer.
        (Self::new(move |answer| drop(sender.send(answer))), receiver)
    }
}

impl<T> Reply<T> {
    /// Gives the answer.
    pub(super) fn give(mut self, answer: Result<T, Refusal>) {
        if let Some(take) = self.0.take() {
            take(answer);
        }
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(take) = self.0.take() {
            take(Err(Refusal::new(Code::Overloaded).message("the room is being woken anew; try again")));
        }
    }
}
