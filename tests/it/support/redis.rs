//! A real `redis-server` of a test's own, which can be stopped, frozen and started again on what it had.
//! What is kept in it is the server's business.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use tempfile::TempDir;

use super::server::free_port;
use super::{PATIENCE, signal, skip};

/// A Redis, running or stopped.
pub(crate) struct Redis {
    program: PathBuf,
    folder: TempDir,
    port: u16,
    process: Child,
}

impl Redis {
    /// Starts one; `None`, said aloud, where there is no `redis-server` on this machine.
    pub(crate) fn start(test: &str) -> Option<Redis> {
        let program = PathBuf::from(std::env::var("KLATSCH_REDIS_BIN").unwrap_or("redis-server".into()));
        let folder = TempDir::new().unwrap();
        let port = free_port();
        match spawn(&program, &folder, port) {
            Ok(process) => {
                let redis = Redis { program, folder, port, process };
                redis.answers();
                Some(redis)
            }
            Err(error) => {
                assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "there is no {program:?}: {error}");
                skip(test, &format!("there is no {}: {error}", program.display()));
                None
            }
        }
    }

    /// Its address, as a setting has it.
    pub(crate) fn url(&self) -> String {
        format!("redis://:secret@127.0.0.1:{}/0", self.port)
    }

    /// Kills it; what it was told is on its disk.
    pub(crate) fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }

    /// Starts it again on the same port and data.
    pub(crate) fn restart(&mut self) {
        self.process = spawn(&self.program, &self.folder, self.port).unwrap();
        self.answers();
    }

    /// Stops its process where it stands: connections stay, and nobody answers.
    pub(crate) fn freeze(&self) {
        signal("STOP", self.process.id());
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        signal("CONT", self.process.id());
    }

    fn answers(&self) {
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begin.elapsed() < PATIENCE, "Redis does not begin to listen");
            std::thread::yield_now();
        }
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        // Killing what has already ended is no failure.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn spawn(program: &PathBuf, folder: &TempDir, port: u16) -> std::io::Result<Child> {
    Command::new(program)
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--requirepass", "secret"])
        .args(["--save", "", "--appendonly", "yes", "--appendfsync", "always"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn()
}
