//! A real PostgreSQL in a temporary folder: one for all tests, with a database for each, or one of a test's own.
//! Nothing of it outlives the test process, however that ends: a small shell watches over it.

use std::io::Write;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::connection::SimpleConnection;
use diesel::sql_types::Integer;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl};

use super::server::free_port;
use super::skip;

/// A running (or stopped) PostgreSQL server.
pub(crate) struct Postgres {
    tools: Tools,
    folder: PathBuf,
    port: u16,
    watchdog: Child,
}

/// The URL of a fresh database on the server that all tests share; `None`, said aloud, where there is none.
pub(crate) fn database(test: &str) -> Option<String> {
    static SHARED: OnceLock<Result<Postgres, String>> = OnceLock::new();
    found(test, SHARED.get_or_init(Postgres::start).as_ref()).map(Postgres::database)
}

/// A server of a test's own, which it may stop; `None`, said aloud, where there is none.
pub(crate) fn of_my_own(test: &str) -> Option<Postgres> {
    found(test, Postgres::start())
}

/// The whole `number` that a query of this database gives.
pub(crate) fn number(url: &str, query: &str) -> i32 {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Integer)]
        number: i32,
    }
    let mut connection = PgConnection::establish(url).unwrap();
    diesel::sql_query(query).get_result::<Row>(&mut connection).unwrap().number
}

fn found<P, E: std::fmt::Display>(test: &str, postgres: Result<P, E>) -> Option<P> {
    match postgres {
        Ok(postgres) => Some(postgres),
        Err(reason) => {
            let on_ci = std::env::var("CI").as_deref() == Ok("true");
            assert!(!on_ci, "{test} must run on CI, but there is no PostgreSQL: {reason}");
            skip(test, &format!("no PostgreSQL: {reason}"));
            None
        }
    }
}

impl Postgres {
    fn start() -> Result<Postgres, String> {
        let tools = Tools::find()?;
        let folder = tempfile::Builder::new().prefix("klatsch-pg-").tempdir().map_err(|e| e.to_string())?;
        let folder = folder.keep();
        if let Some(account) = &tools.account {
            chown(&folder, Some(account.user), Some(account.group)).map_err(|e| e.to_string())?;
        }
        let watchdog = watch_over(&tools, &folder)?;
        let postgres = Postgres { tools, folder, port: free_port(), watchdog };
        postgres.initialise()?;
        postgres.try_resume()?;
        Ok(postgres)
    }

    /// The URL of a fresh database.
    pub(crate) fn database(&self) -> String {
        self.create("")
    }

    /// The URL of a copy of a database that nobody uses just now.
    pub(crate) fn copy(&self, url: &str) -> String {
        let (_, name) = url.rsplit_once('/').unwrap();
        // Who was killed may still be taken for a user for a moment.
        let others =
            format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
        PgConnection::establish(&self.url("postgres")).unwrap().batch_execute(&others).unwrap();
        self.create(&format!("TEMPLATE {name}"))
    }

    fn create(&self, how: &str) -> String {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("klatsch_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut connection = PgConnection::establish(&self.url("postgres")).unwrap();
        connection.batch_execute(&format!("CREATE DATABASE {name} {how}")).unwrap();
        self.url(&name)
    }

    /// Stops it as a crash would: every connection is cut, nothing is flushed.
    pub(crate) fn crash(&self) {
        let stopped = self.control(&["-m", "immediate", "stop"]);
        assert_eq!(stopped, Ok(()));
    }

    /// Starts it again.
    pub(crate) fn resume(&self) {
        assert_eq!(self.try_resume(), Ok(()));
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://klatsch@127.0.0.1:{}/{database}", self.port)
    }

    fn initialise(&self) -> Result<(), String> {
        let mut initdb = self.tools.command("initdb");
        initdb.arg("-D").arg(self.data());
        initdb.args(["-U", "klatsch", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        run(&mut initdb)?;
        // Crashes here are of processes, never of the machine, so what is written need not reach the disk.
        let settings = format!(
            "listen_addresses = '127.0.0.1'\nport = {}\nunix_socket_directories = '{}'\nfsync = off\n\
             max_connections = 200\n",
            self.port,
            self.folder.display()
        );
        let path = self.data().join("postgresql.conf");
        let mut file = std::fs::OpenOptions::new().append(true).open(path).map_err(|e| e.to_string())?;
        file.write_all(settings.as_bytes()).map_err(|e| e.to_string())
    }

    fn try_resume(&self) -> Result<(), String> {
        self.control(&["-w", "-t", "60", "start"])
    }

    fn control(&self, arguments: &[&str]) -> Result<(), String> {
        let mut pg_ctl = self.tools.command("pg_ctl");
        pg_ctl.arg("-D").arg(self.data()).arg("-l").arg(self.folder.join("log")).args(arguments);
        run(&mut pg_ctl)
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // The end of its input is what the watchdog waits for.
        drop(self.watchdog.stdin.take());
        let _ = self.watchdog.wait();
    }
}

/// Starts a shell that stops the server and removes its folder as soon as this process is gone.
fn watch_over(tools: &Tools, folder: &Path) -> Result<Child, String> {
    let script = r#"
        cat > /dev/null
        folder="$1"; shift
        "$@" -D "$folder/data" -m immediate stop
        rm -rf "$folder"
    "#;
    let stop = tools.command("pg_ctl");
    Command::new("sh")
        .args(["-c", script, "watchdog"])
        .arg(folder)
        .arg(stop.get_program())
        .args(stop.get_args())
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A group of its own: an interrupt at the terminal must not take it away before its work.
        .process_group(0)
        .spawn()
        .map_err(|error| error.to_string())
}

/// Where PostgreSQL's programs are, and the account to run them under when we are root, which they refuse.
struct Tools {
    folder: PathBuf,
    account: Option<Account>,
}

struct Account {
    user: u32,
    group: u32,
}

impl Tools {
    fn find() -> Result<Tools, String> {
        let folder = candidates()
            .into_iter()
            .find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).is_file()))
            .ok_or("initdb, pg_ctl and postgres were not found (KLATSCH_PG_BIN names their folder)")?;
        let we_are_root = std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
        let account = match we_are_root {
            false => None,
            true => Some(Account::find().ok_or("root needs an account `postgres` or `nobody`")?),
        };
        Ok(Tools { folder, account })
    }

    fn command(&self, program: &str) -> Command {
        let path = self.folder.join(program);
        let Some(account) = &self.account else {
            return Command::new(path);
        };
        let mut command = Command::new("setpriv");
        command
            .arg(format!("--reuid={}", account.user))
            .arg(format!("--regid={}", account.group))
            .args(["--clear-groups", "--"])
            .arg(path);
        command
    }
}

impl Account {
    fn find() -> Option<Account> {
        ["postgres", "nobody"].iter().find_map(|name| {
            let number = |what: &str| -> Option<u32> {
                let output = Command::new("id").args([what, name]).output().ok()?;
                String::from_utf8(output.stdout).ok()?.trim().parse().ok()
            };
            Some(Account { user: number("-u")?, group: number("-g")? })
        })
    }
}

fn candidates() -> Vec<PathBuf> {
    if let Some(folder) = std::env::var_os("KLATSCH_PG_BIN") {
        return vec![PathBuf::from(folder)];
    }
    let mut folders = Vec::new();
    if let Ok(output) = Command::new("pg_config").arg("--bindir").output() {
        folders.push(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    }
    if let Ok(versions) = std::fs::read_dir("/usr/lib/postgresql") {
        let mut installed: Vec<PathBuf> =
            versions.flatten().map(|version| version.path().join("bin")).collect();
        installed.sort();
        folders.extend(installed.into_iter().rev());
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    folders
}

fn run(command: &mut Command) -> Result<(), String> {
    // A server that stays behind inherits the outputs, so they must not be pipes that we wait for.
    let status = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}
