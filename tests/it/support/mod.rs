//! What every test stands on: a server process, a database server, and clients of each protocol.
//! No claim about Klatsch is made here; a helper only panics where a test could not go on.

pub(crate) mod cluster;
pub(crate) mod document;
pub(crate) mod follower;
pub(crate) mod http;
pub(crate) mod kafka;
pub(crate) mod postgres;
pub(crate) mod raw;
pub(crate) mod redis;
pub(crate) mod seed;
pub(crate) mod server;
pub(crate) mod socket;
pub(crate) mod sockjs;
pub(crate) mod sse;
pub(crate) mod stomp;
pub(crate) mod talker;

use std::future::Future;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

/// How long a test waits for anything before it fails. Generous, because a busy machine is no defect.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for `future`, and panics with `what` when [`PATIENCE`] is over.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(output) => output,
        Err(_) => panic!("waited {PATIENCE:?} in vain for {what}"),
    }
}

/// Asks `condition` again and again until it holds, and panics with `what` when [`PATIENCE`] is over.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut condition: impl FnMut() -> F) {
    let deadline = Instant::now() + PATIENCE;
    while !condition().await {
        assert!(Instant::now() < deadline, "waited {PATIENCE:?} in vain for {what}");
        breath().await;
    }
}

/// The pause between two looks at a condition.
pub(crate) async fn breath() {
    tokio::time::sleep(Duration::from_millis(10)).await;
}

/// Sends a signal, by its name without `SIG`, to a process.
pub(crate) fn signal(name: &str, pid: u32) {
    // A shell's own `kill` is everywhere; the program of that name is not.
    let line = format!("kill -{name} {pid}");
    let sent = Command::new("sh").args(["-c", &line]).status().unwrap();
    assert!(sent.success(), "SIG{name} could not be sent");
}

/// Says, past the test harness's capture, that a test could not run here.
pub(crate) fn skip(test: &str, reason: &str) {
    let line = format!("\n*** SKIPPED {test}: {reason}\n");
    // A closed stderr leaves nobody to tell.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
