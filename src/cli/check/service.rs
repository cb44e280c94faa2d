//! How long a client was without service: from losing its connection to the next answer to a join, and from the
//! first attempt of a send to its acknowledgement. Knows times only.

use std::time::Duration;

/// What one client had to wait for.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Service {
    lost_since: Option<Duration>,
    longest_cut: Duration,
    longest_wait: Duration,
}

impl Service {
    /// The connection was lost, or could not be made.
    pub(super) fn lost(&mut self, now: Duration) {
        self.lost_since.get_or_insert(now);
    }

    /// The server answers again.
    pub(super) fn restored(&mut self, now: Duration) {
        if let Some(since) = self.lost_since.take() {
            self.longest_cut = self.longest_cut.max(now.saturating_sub(since));
        }
    }

    /// A send was acknowledged that had first been tried at `since`.
    pub(super) fn answered(&mut self, since: Duration, now: Duration) {
        self.longest_wait = self.longest_wait.max(now.saturating_sub(since));
    }

    /// The longest time without a connection.
    pub(super) fn longest_cut(&self) -> Duration {
        self.longest_cut
    }

    /// The longest time that a send took, through all refusals and reconnects.
    pub(super) fn longest_wait(&self) -> Duration {
        self.longest_wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_lasts_until_the_next_answer_however_often_it_is_tried() {
        let second = Duration::from_secs(1);
        let mut service = Service::default();
        service.restored(second);
        assert_eq!(service.longest_cut(), Duration::ZERO);
        service.lost(second * 2);
        service.lost(second * 4);
        service.restored(second * 5);
        service.lost(second * 6);
        service.restored(second * 7);
        service.answered(second * 2, second * 6);
        assert_eq!((service.longest_cut(), service.longest_wait()), (second * 3, second * 4));
    }
}
