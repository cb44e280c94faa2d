//! A database that is locked, gone or full: sends are refused, what was acknowledged stays, and all recovers (D1, D4).
//! A server that dies with a healthy database is in `durability`.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::http::{Http, id_of, messages_of};
use crate::support::server::{Plan, Server};
use crate::support::socket::{Socket, assert_refusal};
use crate::support::talker::Talking;
use crate::support::{postgres, skip, until};

/// A write lock on a server's database, held by somebody else until dropped.
pub(crate) struct Lock(SqliteConnection);

impl Lock {
    pub(crate) fn on(server: &Server) -> Lock {
        let path = server.database_file();
        let mut connection = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        connection.batch_execute("PRAGMA busy_timeout = 30000; BEGIN IMMEDIATE").unwrap();
        Lock(connection)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing the connection ends the transaction too.
        let _ = self.0.batch_execute("ROLLBACK");
    }
}

#[actix_web::test]
async fn a_locked_database_refuses_sends_and_keeps_the_rest() {
    let server = Plan::default().on_sqlite().start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    let mut socket = Socket::of(&server, &ada).await;
    socket.join(&room).await;
    let before = socket.say(&room, "before").await;
    assert_eq!(socket.record().await["seq"], before["seq"]);

    let lock = Lock::on(&server);
    let during = json!({ "room": room, "body": "during", "client_id": "c1" });
    let refusal = socket.refused("send", during.clone(), "storage_unavailable").await;
    assert_eq!(refusal["retry"], "later");
    let over_http = json!({ "body": "during", "client_id": "c2" });
    let problem = http.post(&messages_of(&room), over_http).await.problem(503, "storage_unavailable");
    assert_eq!(problem["retry"], "later");
    assert_eq!(http.history(&room).await.len(), 2, "what was acknowledged can still be read");
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong");
    drop(lock);

    let after = said_in_the_end(&mut socket, &during).await;
    assert_eq!(after["seq"], 3);
    assert_eq!(socket.record().await["body"], "during");
    let history = http.history(&room).await;
    assert_eq!(history.len(), 3, "a refused send left nothing: {history:?}");
    server.must_not_have_panicked();
}

/// Sends until it is acknowledged.
async fn said_in_the_end(socket: &mut Socket, message: &Value) -> Value {
    loop {
        let reply = socket.ask("send", message.clone()).await;
        if reply["type"] == "ack" {
            return reply;
        }
        assert_refusal(&reply, "storage_unavailable");
    }
}

#[actix_web::test]
async fn talkers_come_through_locks_without_loss() {
    let server = Plan::default().on_sqlite().start().await;
    let talking = Talking::begin(&server, "locked", 4, 4).await;
    for _ in 0..3 {
        talking.progress(50).await;
        let lock = Lock::on(&server);
        talking.refusal("storage_unavailable").await;
        drop(lock);
    }
    talking.progress(50).await;
    talking.end(&server).await;
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn talkers_come_through_crashes_of_postgres_without_loss() {
    let Some(postgres) = postgres::of_my_own("crashes of PostgreSQL") else {
        return;
    };
    let mut server = Plan::default().set("database.url", postgres.database()).start().await;
    let talking = Talking::begin(&server, "crashing", 4, 4).await;
    let http = Http::to(&server);
    for _ in 0..3 {
        talking.progress(50).await;
        postgres.crash();
        talking.refusal("storage_unavailable").await;
        until("/readyz to say no", async || http.get("/readyz").await.status == 503).await;
        assert_eq!(http.get("/healthz").await.status, 200);
        postgres.resume();
        until("/readyz to say yes", async || http.get("/readyz").await.status == 200).await;
    }
    talking.progress(50).await;
    let history = talking.end(&server).await;
    server.must_not_have_panicked();

    let room = history[0]["room"].as_str().unwrap();
    server.kill();
    server.restart().await;
    assert_eq!(http.history(room).await, history);
}

/// A small file system of our own, gone when dropped.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount(size: &str) -> Option<SmallDisk> {
        let folder = TempDir::new().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]).arg(folder.path());
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        mounted.then(|| SmallDisk(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Fills what is left; removing the file frees it again.
    fn fill(&self) -> PathBuf {
        let ballast = self.path().join("ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        while std::io::Write::write(&mut file, &[0; 4096]).is_ok_and(|written| written > 0) {}
        ballast
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The server that used it is already gone: tests drop it first.
        let _ = Command::new("umount").arg("-l").arg(self.path()).status();
    }
}

#[actix_web::test]
async fn a_full_disk_refuses_sends_until_there_is_room_again() {
    let Some(disk) = SmallDisk::mount("24m") else {
        return skip("a full disk", "a small file system cannot be mounted here");
    };
    let server = Plan::default().on_sqlite().in_folder(disk.path()).start().await;
    fill_up_and_recover(server, || disk.fill(), |_, ballast| std::fs::remove_file(ballast).unwrap()).await;
}

#[actix_web::test]
async fn files_that_may_not_grow_refuse_sends_until_they_may() {
    if !Command::new("prlimit").arg("--version").stdout(Stdio::null()).status().is_ok_and(|s| s.success()) {
        return skip("files that may not grow", "there is no prlimit");
    }
    // Without its signal, a write past the limit fails as it does on a full disk. The unit is 512 or 1024 bytes.
    let server = Plan::default().on_sqlite().after_shell("ulimit -S -f 6000; trap '' XFSZ").start().await;
    let raise = |server: &Server, ()| {
        let pid = server.pid().to_string();
        let raised = Command::new("prlimit").args(["--fsize=unlimited", "--pid", &pid]).status().unwrap();
        assert!(raised.success());
    };
    fill_up_and_recover(server, || (), raise).await;
}

/// Talks until there is no room, frees some, and checks that the rest is as it was acknowledged.
async fn fill_up_and_recover<T>(mut server: Server, fill: impl FnOnce() -> T, free: impl FnOnce(&Server, T)) {
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    let room = id_of(&http.room("hall").await);
    let mut socket = Socket::of(&server, &ada).await;
    http.enter(&room).await;
    let filled = fill();

    let mut acked = 0;
    let message =
        |n: usize| json!({ "room": room, "body": format!("{n:08000}"), "client_id": n.to_string() });
    loop {
        let reply = socket.ask("send", message(acked)).await;
        if reply["type"] != "ack" {
            assert_refusal(&reply, "storage_unavailable");
            assert_eq!(reply["retry"], "later");
            break;
        }
        acked += 1;
        assert!(acked < 10_000, "the disk does not get full");
    }
    socket.refused("send", message(acked), "storage_unavailable").await;
    assert_eq!(http.history(&room).await.len(), acked + 1, "what was acknowledged can still be read");
    free(&server, filled);

    assert_eq!(said_in_the_end(&mut socket, &message(acked)).await["seq"], acked + 2);
    let history = http.history(&room).await;
    for (n, record) in history[1..].iter().enumerate() {
        assert_eq!(record["client_id"], n.to_string());
    }
    server.must_not_have_panicked();
    server.kill();
    server.restart().await;
    assert_eq!(http.history(&room).await, history);
}
