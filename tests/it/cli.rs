//! The command line: what each command prints, what stops a start, what its exit codes say.
//! What a running server does is not tested here.

use std::path::Path;
use std::process::{Command, Output};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use serde_json::json;
use tempfile::TempDir;

use crate::support::postgres;
use crate::support::server::{KLATSCH, Plan, Server, free_port, sqlite_url, variable, without_settings};
use crate::support::socket::Socket;

/// Runs `klatsch` to its end, in `folder` and with only these settings.
fn klatsch(folder: &Path, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
    let mut command = Command::new(KLATSCH);
    without_settings(&mut command).args(arguments).current_dir(folder);
    for (name, value) in settings {
        command.env(variable(name), value);
    }
    command.output().unwrap()
}

/// Everything a command said.
fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8_lossy(&both).into_owned()
}

#[test]
fn the_version_is_that_of_the_package() {
    let folder = TempDir::new().unwrap();
    let output = klatsch(folder.path(), &["--version"], &[]);
    assert!(output.status.success());
    assert_eq!(said(&output).trim(), concat!("klatsch ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn an_unknown_command_is_told_the_known_ones() {
    let folder = TempDir::new().unwrap();
    for arguments in [&["dance"][..], &["serve", "--dance"], &["serve", "--config"]] {
        let output = klatsch(folder.path(), arguments, &[]);
        assert!(!output.status.success());
        assert!(said(&output).contains("--help"), "{}", said(&output));
    }
    let help = said(&klatsch(folder.path(), &["--help"], &[]));
    for command in ["serve", "migrate", "config", "bench", "check", "topics", "dlt"] {
        assert!(help.contains(command), "{help}");
    }
}

#[test]
fn config_prints_what_is_in_force_and_hides_secrets() {
    let folder = TempDir::new().unwrap();
    let settings =
        [("database.url", "postgres://klatsch:s3cr3t@db.example/klatsch"), ("socket.heartbeat_s", "17")];
    let output = klatsch(folder.path(), &["config"], &settings);
    let text = said(&output);
    assert!(output.status.success(), "{text}");
    assert!(!text.contains("s3cr3t"), "{text}");
    for shown in ["db.example", "17", "127.0.0.1:8080", "embedded", "outbox_bytes", "send_buffer_bytes"] {
        assert!(text.contains(shown), "no {shown} in\n{text}");
    }
}

#[test]
fn what_config_prints_can_be_loaded_again() {
    let folder = TempDir::new().unwrap();
    let settings =
        [("socket.heartbeat_s", "17"), ("server.allowed_origins", "https://a.example,https://b.example")];
    let printed = klatsch(folder.path(), &["config"], &settings);
    std::fs::write(folder.path().join("printed.toml"), &printed.stdout).unwrap();
    let again = klatsch(folder.path(), &["config", "--config", "printed.toml"], &[]);
    assert!(again.status.success(), "{}", said(&again));
    let text = String::from_utf8_lossy(&again.stdout);
    for kept in ["17", "https://a.example", "https://b.example"] {
        assert!(text.contains(kept), "no {kept} in\n{text}");
    }
}

#[test]
fn a_wrong_setting_stops_the_start_with_its_name_its_value_and_what_is_allowed() {
    let folder = TempDir::new().unwrap();
    let database = sqlite_url(folder.path());
    let cases = [
        ("server.listen", "everywhere", ""),
        ("server.listen", "127.0.0.1:99999", ""),
        ("database.url", "mysql://db.example/klatsch", "postgres://"),
        ("log.kind", "paper", "embedded"),
        ("socket.heartbeat_s", "soon", ""),
        ("socket.heartbeat_s", "-1", ""),
        ("socket.heartbeat_s", "0", ""),
        ("socket.outbox_bytes", "much", ""),
        ("socket.outbox_bytes", "0", ""),
        ("limits.enabled", "perhaps", "boolean"),
    ];
    for (name, value, allowed) in cases {
        let output = klatsch(folder.path(), &["serve"], &[("database.url", &database), (name, value)]);
        let text = said(&output);
        assert!(!output.status.success(), "{name}={value} was taken");
        for part in [name, value, allowed] {
            assert!(text.contains(part), "{name}={value}: no {part} in\n{text}");
        }
        assert!(!text.contains("panicked"), "{text}");
    }
    let unknown =
        klatsch(folder.path(), &["serve"], &[("database.url", &database), ("socket.colour", "red")]);
    assert!(!unknown.status.success());
    assert!(said(&unknown).contains("socket.colour"), "{}", said(&unknown));
}

#[actix_web::test]
async fn a_file_overrides_the_defaults_and_the_environment_overrides_the_file() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("klatsch.toml");
    std::fs::write(&file, "[socket]\nheartbeat_s = 7\n").unwrap();
    let arguments = ["--config", file.to_str().unwrap()];
    let by_file = Plan::default().with_arguments(&arguments).start().await;
    let by_both = Plan::default().with_arguments(&arguments).set("socket.heartbeat_s", 9).start().await;
    for (server, heartbeat) in [(&by_file, 7), (&by_both, 9)] {
        let connected = Socket::open(server).await.ask("connect", json!({ "nickname": "Ada" })).await;
        assert_eq!(connected["heartbeat_s"], heartbeat);
    }
}

#[test]
fn a_wrong_file_stops_the_start_with_its_name() {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("broken.toml"), "[socket\n").unwrap();
    std::fs::write(folder.path().join("wrong.toml"), "[socket]\nheartbeat_s = \"soon\"\n").unwrap();
    for (file, part) in
        [("missing.toml", "missing.toml"), ("broken.toml", "broken.toml"), ("wrong.toml", "heartbeat_s")]
    {
        let output = klatsch(folder.path(), &["serve", "--config", file], &[]);
        assert!(!output.status.success(), "{file} was taken");
        assert!(said(&output).contains(part), "{file}: {}", said(&output));
    }
}

#[test]
fn a_taken_port_stops_the_start_with_the_address() {
    let folder = TempDir::new().unwrap();
    let listener = std::net::TcpListener::bind(("127.0.0.1", free_port())).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let settings = [("database.url", sqlite_url(folder.path())), ("server.listen", address.clone())];
    let settings = settings.each_ref().map(|(name, value)| (*name, value.as_str()));
    let output = klatsch(folder.path(), &["serve"], &settings);
    assert!(!output.status.success());
    assert!(said(&output).contains(&address), "{}", said(&output));
}

#[actix_web::test]
async fn migrate_prepares_a_fresh_database_and_can_be_repeated() {
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let output = klatsch(folder.path(), &["migrate"], &[("database.url", &sqlite_url(folder.path()))]);
        assert!(output.status.success(), "{}", said(&output));
    }
    let file = folder.path().join("klatsch.sqlite");
    let mut connection = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    connection.batch_execute("SELECT count(*) FROM __diesel_schema_migrations").unwrap();
    drop(connection);
    can_chat(&Plan::default().on_sqlite().in_folder(folder.path()).start().await).await;
}

#[actix_web::test]
async fn migrate_prepares_a_fresh_postgres_too() {
    let Some(url) = postgres::database("migrate on PostgreSQL") else {
        return;
    };
    let folder = TempDir::new().unwrap();
    for _ in 0..2 {
        let output = klatsch(folder.path(), &["migrate"], &[("database.url", &url)]);
        assert!(output.status.success(), "{}", said(&output));
    }
    can_chat(&Plan::default().set("database.url", url).start().await).await;
}

async fn can_chat(server: &Server) {
    let (mut socket, user) = Socket::guest(server, "Ada").await;
    let http = crate::support::http::Http::to(server).acting_as(&user);
    let room = crate::support::http::id_of(&http.room("hall").await);
    socket.join(&room).await;
    socket.say(&room, "hello").await;
    assert_eq!(socket.record().await["body"], "hello");
}
