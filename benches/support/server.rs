//! A `klatsch serve` of one's own: the release binary on a free port, with a fresh database in a temporary folder.
//! Settings are the defaults but for the limits, which would refuse a load tool; more can be given.

use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use klatsch::cli::bench::process::Process;
use klatsch::cli::client::socket::{Client, ServerAddress};

const PATIENCE: Duration = Duration::from_secs(10);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(1);

/// A server that is stopped when this is dropped, and its database with it.
pub(crate) struct Server {
    /// Where it listens.
    pub(crate) address: ServerAddress,
    /// Its process.
    pub(crate) process: Process,
    /// Where its database is, unless another one was given.
    pub(crate) folder: PathBuf,
    child: Child,
}

impl Server {
    /// Starts one; it may not listen yet.
    pub(crate) fn spawn(settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let folder = std::env::temp_dir().join(format!("klatsch-bench-{}-{port}", std::process::id()));
        std::fs::create_dir_all(&folder)?;
        let child = Command::new(env!("CARGO_BIN_EXE_klatsch"))
            .arg("serve")
            .env("KLATSCH__TELEMETRY__LOG", "warn")
            .env("KLATSCH__SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("KLATSCH__DATABASE__URL", format!("sqlite://{}/bench.db", folder.display()))
            .env("KLATSCH__LIMITS__ENABLED", "false")
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .spawn()
            .context("cannot start the server")?;
        let process = Process::new(child.id());
        Ok(Self { address: format!("http://127.0.0.1:{port}").parse()?, process, child, folder })
    }

    /// Waits until it opens sockets.
    pub(crate) async fn listening(&mut self) -> anyhow::Result<()> {
        let give_up = Instant::now() + PATIENCE;
        while Client::open(&self.address).await.is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended at its start: {status}");
            }
            if Instant::now() > give_up {
                bail!("the server does not listen");
            }
            tokio::time::sleep(BETWEEN_ATTEMPTS).await;
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Nothing is left to do if the server has gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}
