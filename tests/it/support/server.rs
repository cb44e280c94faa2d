//! A real `klatsch serve` as a child process: started, killed, stopped and restarted on the same data and port.
//! It knows nothing of the wire beyond `/readyz`.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tempfile::TempDir;

use super::{PATIENCE, breath, postgres, raw, signal};

/// The binary under test.
pub(crate) const KLATSCH: &str = env!("CARGO_BIN_EXE_klatsch");

/// How a server is to be started: its settings, its folder, and a shell line that runs before it.
#[derive(Default)]
pub(crate) struct Plan {
    settings: BTreeMap<String, String>,
    folder: Option<PathBuf>,
    prelude: Option<String>,
    arguments: Vec<String>,
    database: Database,
    speaks_tls: bool,
}

/// Where the data is.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Database {
    /// As whoever runs the tests wants it: `KLATSCH_TEST_DATABASE=postgres` runs them all on the other database.
    #[default]
    AsAsked,
    /// In a file, for a test that is about that file.
    Sqlite,
}

impl Plan {
    /// A setting by its dotted name, such as `socket.heartbeat_s`.
    pub(crate) fn set(mut self, name: &str, value: impl ToString) -> Plan {
        self.settings.insert(name.to_owned(), value.to_string());
        self
    }

    /// Keeps the data in an SQLite file, whatever was asked for.
    pub(crate) fn on_sqlite(mut self) -> Plan {
        self.database = Database::Sqlite;
        self
    }

    /// Keeps the data in `folder`, which the caller owns.
    pub(crate) fn in_folder(mut self, folder: &Path) -> Plan {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Runs a line of shell before the server, in the process that becomes the server.
    pub(crate) fn after_shell(mut self, prelude: &str) -> Plan {
        self.prelude = Some(prelude.to_owned());
        self
    }

    /// Adds arguments after `serve`.
    pub(crate) fn with_arguments(mut self, arguments: &[&str]) -> Plan {
        self.arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        self
    }

    /// Starts the server on a free port and waits until it is ready.
    pub(crate) async fn start(self) -> Server {
        self.start_until("/readyz").await
    }

    /// Starts the server on a free port and waits until it answers, ready or not.
    pub(crate) async fn start_unready(self) -> Server {
        self.start_until("/healthz").await
    }

    /// Starts a server that speaks TLS on a free port and waits until it is ready.
    pub(crate) async fn start_secured(mut self) -> Server {
        self.speaks_tls = true;
        self.start_until("/readyz").await
    }

    async fn start_until(mut self, path: &str) -> Server {
        let asked = std::env::var("KLATSCH_TEST_DATABASE");
        let chosen = self.database == Database::Sqlite || self.settings.contains_key("database.url");
        if asked.as_deref() == Ok("postgres") && !chosen {
            let url = postgres::database("the server of a test").expect("KLATSCH_TEST_DATABASE asks for it");
            self = self.set("database.url", url);
        }
        let temporary = TempDir::new().unwrap();
        let folder = self.folder.clone().unwrap_or_else(|| temporary.path().to_owned());
        loop {
            let port = free_port();
            let mut process = Process::spawn(&self, &folder, port);
            let is_well = match self.speaks_tls {
                true => process.is_well_secured(port, path).await,
                false => process.is_well(port, path).await,
            };
            if is_well {
                return Server { plan: self, folder, port, process, _temporary: temporary };
            }
            let log = process.log();
            assert!(log.to_lowercase().contains("in use"), "the server stopped at its start:\n{log}");
        }
    }

    fn command(&self, folder: &Path, port: u16) -> Command {
        let mut command = match &self.prelude {
            None => Command::new(KLATSCH),
            Some(line) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", &format!("{line}\nexec \"$0\" \"$@\""), KLATSCH]);
                shell
            }
        };
        without_settings(&mut command)
            .arg("serve")
            .args(&self.arguments)
            .current_dir(folder)
            .env("KLATSCH__SERVER__LISTEN", format!("127.0.0.1:{port}"))
            .env("KLATSCH__DATABASE__URL", sqlite_url(folder))
            .env("KLATSCH__LIMITS__ENABLED", "false");
        for (name, value) in &self.settings {
            command.env(variable(name), value);
        }
        command
    }

    /// Another command of the program with the same settings.
    pub(crate) fn tool(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(KLATSCH);
        without_settings(&mut command).args(arguments).current_dir(folder);
        command.env("KLATSCH__DATABASE__URL", sqlite_url(folder));
        for (name, value) in &self.settings {
            command.env(variable(name), value);
        }
        command
    }
}

/// A server, running or killed. Dropping it kills the process and removes its data.
pub(crate) struct Server {
    plan: Plan,
    folder: PathBuf,
    port: u16,
    process: Process,
    _temporary: TempDir,
}

impl Server {
    /// A server on a fresh database with default settings.
    pub(crate) async fn start() -> Server {
        Plan::default().start().await
    }

    /// Kills it as a crash would: SIGKILL, no farewell.
    pub(crate) fn kill(&mut self) {
        self.process.kill();
    }

    /// Starts it again on the same data and port. It must not be running.
    pub(crate) async fn restart(&mut self) {
        self.restart_unready();
        let ready = self.process.is_well(self.port, "/readyz").await;
        assert!(ready, "the server stopped at its restart:\n{}", self.log());
    }

    /// Starts it again, however long it may take until it is ready. It must not be running.
    pub(crate) fn restart_unready(&mut self) {
        self.process = Process::spawn(&self.plan, &self.folder, self.port);
    }

    /// Another command of the program, such as `verify`, with this server's settings.
    pub(crate) fn tool(&self, arguments: &[&str]) -> Command {
        self.plan.tool(&self.folder, arguments)
    }

    /// Asks it to stop with SIGTERM and waits for its end.
    pub(crate) async fn terminate(&mut self) -> ExitStatus {
        self.ask_to_stop();
        self.has_stopped().await
    }

    /// Sends SIGTERM and waits for nothing.
    pub(crate) fn ask_to_stop(&self) {
        signal("TERM", self.pid());
    }

    /// Stops its process where it stands: its sockets stay, and nobody answers.
    pub(crate) fn freeze(&self) {
        signal("STOP", self.pid());
    }

    /// Lets it go on.
    pub(crate) fn thaw(&self) {
        signal("CONT", self.pid());
    }

    /// Waits for the end of a server that was asked to stop.
    pub(crate) async fn has_stopped(&mut self) -> ExitStatus {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.process.child.try_wait().unwrap() {
                return status;
            }
            assert!(Instant::now() < deadline, "the server does not stop:\n{}", self.log());
            breath().await;
        }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// `127.0.0.1:port`.
    pub(crate) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.child.id()
    }

    /// Everything it wrote to its standard output and error since its last start.
    pub(crate) fn log(&self) -> String {
        self.process.log()
    }

    /// Its SQLite database file.
    pub(crate) fn database_file(&self) -> PathBuf {
        self.folder.join("klatsch.sqlite")
    }

    /// Its resident memory in bytes, or `None` where the kernel does not tell.
    pub(crate) fn resident_bytes(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
        Some(kibibytes * 1024)
    }

    /// Panics if the log tells of a panic: a handler that panics is a defect even when the server lives on.
    pub(crate) fn must_not_have_panicked(&self) {
        let log = self.log();
        assert!(!log.contains("panicked at"), "the server panicked:\n{log}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill();
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().collect();
            let tail = lines[lines.len().saturating_sub(60)..].join("\n");
            println!("--- the server's log, its last lines ---\n{tail}\n---");
        }
    }
}

struct Process {
    child: Child,
    log: Arc<Mutex<String>>,
}

impl Process {
    fn spawn(plan: &Plan, folder: &Path, port: u16) -> Process {
        let mut child = plan
            .command(folder, port)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let log = Arc::new(Mutex::new(String::new()));
        capture(child.stdout.take().unwrap(), log.clone());
        capture(child.stderr.take().unwrap(), log.clone());
        Process { child, log }
    }

    /// Waits until `path` says 200; false when the process ended before that.
    async fn is_well(&mut self, port: u16, path: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            if raw::status_of(port, path).await == Some(200) {
                // Another process may hold the port while ours is about to fail on it.
                return self.child.try_wait().unwrap().is_none();
            }
            assert!(Instant::now() < deadline, "the server does not get ready:\n{}", self.log());
            breath().await;
        }
    }

    /// As [`Self::is_well`], through TLS, whosever certificate it is.
    async fn is_well_secured(&mut self, port: u16, path: &str) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let address = format!("https://127.0.0.1:{port}{path}");
        loop {
            if self.child.try_wait().unwrap().is_some() {
                return false;
            }
            let asked =
                Command::new("curl").args(["--silent", "--fail", "--insecure", &address]).output().unwrap();
            if asked.status.success() {
                return self.child.try_wait().unwrap().is_none();
            }
            assert!(Instant::now() < deadline, "the server does not get ready:\n{}", self.log());
            breath().await;
        }
    }

    fn kill(&mut self) {
        // Killing what has already ended is no failure.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn log(&self) -> String {
        self.log.lock().unwrap().clone()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The environment variable of a dotted setting.
pub(crate) fn variable(setting: &str) -> String {
    format!("KLATSCH__{}", setting.replace('.', "__").to_uppercase())
}

/// Keeps the settings of whoever runs the tests out of `command`.
pub(crate) fn without_settings(command: &mut Command) -> &mut Command {
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KLATSCH_")) {
        command.env_remove(name);
    }
    command
}

/// The URL of the SQLite database that a server keeps in `folder`.
pub(crate) fn sqlite_url(folder: &Path) -> String {
    format!("sqlite://{}", folder.join("klatsch.sqlite").display())
}

/// A port below the range from which the kernel gives ports to clients, so that no client can take it meanwhile.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed) + std::process::id() * 131;
        let port = 15_000 + (step % 16_000) as u16;
        if std::net::TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn capture(stream: impl Read + Send + 'static, log: Arc<Mutex<String>>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).split(b'\n').map_while(Result::ok) {
            let mut log = log.lock().unwrap();
            log.push_str(&String::from_utf8_lossy(&line));
            log.push('\n');
        }
    });
}
