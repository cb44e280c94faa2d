//! What another service says of itself, kept while it is away and asked for anew when it is old.
//! What is said, and how it is asked for, is known by the owners.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::{sync, task};

use crate::domain::Timestamp;

/// Something that is fetched: at most once for many who ask at the same time, and not again too soon.
pub(super) struct Cached<T> {
    /// What it is, for log lines.
    what: String,
    /// Milliseconds between two attempts.
    pause_ms: i64,
    /// Milliseconds after which it is old.
    age_ms: i64,
    state: Mutex<State<T>>,
    /// Who asks holds it; others wait for the answer, so that one request serves all.
    asking: sync::Mutex<()>,
}

struct State<T> {
    kept: Option<Arc<T>>,
    fetched_at: Option<Timestamp>,
    tried_at: Option<Timestamp>,
}

impl<T: 'static> Cached<T> {
    pub(super) fn new(what: String, pause_ms: i64, age_ms: i64) -> Arc<Self> {
        let state = State { kept: None, fetched_at: None, tried_at: None };
        Arc::new(Self { what, pause_ms, age_ms, state: Mutex::new(state), asking: sync::Mutex::default() })
    }

    /// What is known. If that is old it is asked for anew, behind the caller's back; if it is nothing, the caller waits.
    pub(super) async fn known(
        self: &Arc<Self>,
        now: Timestamp,
        ask: impl AsyncFnOnce() -> Result<T, String> + 'static,
    ) -> Option<Arc<T>> {
        let (kept, is_old) = {
            let state = self.lock();
            let is_old = state.fetched_at.is_none_or(|at| now.millis_since(at) >= self.age_ms);
            (state.kept.clone(), is_old)
        };
        match kept {
            None => self.anew(now, ask).await,
            Some(kept) => {
                if is_old && !self.was_just_asked(now) {
                    let me = Arc::clone(self);
                    task::spawn_local(async move { me.anew(now, ask).await });
                }
                Some(kept)
            }
        }
    }

    /// Asks unless that was done lately. Where there is no answer, what was said last stands.
    pub(super) async fn anew(
        &self,
        now: Timestamp,
        ask: impl AsyncFnOnce() -> Result<T, String>,
    ) -> Option<Arc<T>> {
        let _turn = self.asking.lock().await;
        if self.was_just_asked(now) {
            return self.lock().kept.clone();
        }
        self.lock().tried_at = Some(now);
        match ask().await {
            Ok(said) => {
                let mut state = self.lock();
                state.kept = Some(Arc::new(said));
                state.fetched_at = Some(now);
            }
            Err(why) => log::warn!("{}: {why}", self.what),
        }
        self.lock().kept.clone()
    }

    /// Whether it was asked for so lately that it is not now. Where the clock went back, it is.
    fn was_just_asked(&self, now: Timestamp) -> bool {
        let tried = self.lock().tried_at;
        tried.is_some_and(|at| now.millis_since(at).abs() < self.pause_ms)
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // Each assignment leaves the state whole, so a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
