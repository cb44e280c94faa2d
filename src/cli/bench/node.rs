//! A `klatsch serve` of the load tool's own: this binary again, on a free port, killed when it is not needed any more.
//! Its settings are the caller's; what it logs goes to a file in its folder.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::time::{Instant, sleep};

use crate::cli::client::http::Http;
use crate::cli::client::socket::ServerAddress;

const PATIENCE: Duration = Duration::from_secs(60);
const BETWEEN_ATTEMPTS: Duration = Duration::from_millis(20);

/// A running node.
pub(super) struct Node {
    /// Where it listens.
    pub(super) address: ServerAddress,
    child: Child,
    log: PathBuf,
}

/// A folder that is gone when this is dropped.
pub(super) struct Folder(PathBuf);

impl Folder {
    /// A folder with this name, which must be nobody else's, among the temporary ones.
    pub(super) fn create(name: &str) -> anyhow::Result<Self> {
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed now nobody will miss.
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Node {
    /// Starts one and waits until it is ready.
    pub(super) async fn start(folder: &Folder, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = folder.path().join(format!("{port}.log"));
        let child = Command::new(std::env::current_exe()?)
            .arg("serve")
            .envs(settings.iter().map(|(name, value)| (variable(name), value)))
            .env(variable("server.listen"), format!("127.0.0.1:{port}"))
            .env(variable("telemetry.log"), "warn")
            .env(variable("limits.enabled"), "false")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn()
            .context("cannot start a server")?;
        let mut node = Self { address: format!("http://127.0.0.1:{port}").parse()?, child, log };
        node.ready().await?;
        Ok(node)
    }

    /// Its process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let (http, give_up) = (Http::new(PATIENCE), Instant::now() + PATIENCE);
        while http.get(&self.address.http("/readyz")).await.is_err() {
            if self.child.try_wait()?.is_some() || Instant::now() > give_up {
                let log = fs::read_to_string(&self.log).unwrap_or_default();
                bail!("the server did not get ready; it says:\n{log}");
            }
            sleep(BETWEEN_ATTEMPTS).await;
        }
        Ok(())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Killing what has already ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn variable(setting: &str) -> String {
    format!("KLATSCH__{}", setting.replace('.', "__").to_uppercase())
}
