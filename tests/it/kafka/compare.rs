//! `klatsch bench compare`: both logs do the same work, and a table says how.
//! What the figures are is no test's business.

use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::kafka;
use crate::support::server::{KLATSCH, without_settings};

#[test]
fn a_comparison_has_figures_of_both_logs_and_finds_nothing_lost() {
    let Some((kafka, _)) = kafka::shared("a comparison of logs") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let json = folder.path().join("compare.json");
    let mut command = Command::new(KLATSCH);
    without_settings(&mut command)
        .args(["bench", "compare", "--users", "20", "--rooms", "2", "--messages", "400"])
        .args(["--brokers", &kafka.bootstrap(), "--json", json.to_str().unwrap()]);
    let output = command.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
    assert!(output.status.success(), "{said}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    for log in ["embedded", "kafka"] {
        let side = &report[log];
        assert_eq!((&side["messages"], &side["lost"]), (&400.into(), &0.into()), "{said}");
        assert!(side["response"]["p99_ms"].as_f64() > Some(0.0), "{said}");
    }
    assert!(report["kafka"]["cpu"]["broker"].is_number(), "the broker was not found by its port:\n{said}");
    for row in ["response time, p95", "messages a second", "CPU of the broker", "messages lost"] {
        assert!(said.contains(row), "no {row} in\n{said}");
    }
}
