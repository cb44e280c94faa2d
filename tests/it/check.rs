//! `klatsch check` against real servers: it finds nothing where nothing is wrong, and what is wrong where something is.
//! The anomalies one by one are tests of its judge.

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Instant;

use diesel::{Connection, RunQueryDsl, SqliteConnection, sql_query};
use serde_json::Value;

use crate::support::http::Http;
use crate::support::server::{KLATSCH, Plan, Server, free_port, without_settings};
use crate::support::{PATIENCE, breath, until};

/// A check that runs beside the test.
struct Check(std::process::Child);

impl Check {
    fn begin(server: &Server, seconds: u32) -> Check {
        let mut command = Command::new(KLATSCH);
        without_settings(&mut command)
            .args(["check", "--json", "--rooms", "4", "--clients", "12", "--rate", "100", "--roam", "2"])
            .args(["--url", &format!("http://{}", server.address()), "--seconds", &seconds.to_string()]);
        Check(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Its exit code and its report.
    async fn end(mut self) -> (Option<i32>, Value) {
        let deadline = Instant::now() + PATIENCE;
        while self.0.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "the check does not end");
            breath().await;
        }
        let Output { status, stdout, stderr } = self.0.wait_with_output().unwrap();
        let report = serde_json::from_slice(&stdout);
        (status.code(), report.unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&stderr))))
    }
}

async fn appended(server: &Server) -> f64 {
    Http::to(server).figure("klatsch_records_appended_total").await
}

/// D1 D2 D3 D4.
#[actix_web::test]
async fn a_server_that_is_killed_again_and_again_has_no_anomaly() {
    let mut server = Plan::default().on_sqlite().start().await;
    let check = Check::begin(&server, 6);
    for _ in 0..4 {
        until("some records", async || appended(&server).await > 50.0).await;
        server.kill();
        server.restart().await;
    }
    let (code, report) = check.end().await;
    assert_eq!((code, &report["anomalies"]), (Some(0), &Value::from(0)), "{report:#}");
    assert_eq!(report["sends"], report["acked"], "{report:#}");
    assert!(report["reconnects"]["1006"].as_u64() >= Some(12), "{report:#}");
}

/// A check that cannot fail says nothing.
#[actix_web::test]
async fn a_server_that_changed_an_acknowledged_message_is_found_out() {
    let mut server = Plan::default().on_sqlite().start().await;
    let check = Check::begin(&server, 4);
    until("some records", async || appended(&server).await > 50.0).await;
    server.kill();
    change_a_message(&server.database_file());
    server.restart().await;
    let (code, report) = check.end().await;
    assert_eq!(code, Some(1), "{report:#}");
    for anomaly in ["invented", "history_against_live"] {
        let found = &report["findings"][anomaly];
        assert_eq!(
            (&found["count"], found["examples"].as_array().unwrap().len()),
            (&1.into(), 1),
            "{report:#}"
        );
    }
}

fn change_a_message(database: &Path) {
    let mut connection = SqliteConnection::establish(database.to_str().unwrap()).unwrap();
    let first_of_a_room =
        "SELECT room_id, min(seq) FROM records WHERE body IS NOT NULL GROUP BY room_id LIMIT 1";
    let change = format!("UPDATE records SET body = 'changed' WHERE (room_id, seq) IN ({first_of_a_room})");
    assert_eq!(sql_query(change).execute(&mut connection).unwrap(), 1);
}

#[test]
fn a_check_of_nothing_is_no_success() {
    let mut command = Command::new(KLATSCH);
    let nobody = format!("http://127.0.0.1:{}", free_port());
    without_settings(&mut command).args([
        "check",
        "--url",
        &nobody,
        "--seconds",
        "1",
        "--settle",
        "1",
        "--clients",
        "2",
        "--rooms",
        "1",
    ]);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", String::from_utf8_lossy(&output.stderr));
}
