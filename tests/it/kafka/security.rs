//! A broker that asks for a password over TLS: properties get through to the clients, and nobody sees the password.
//! Which mechanisms there are is librdkafka's business.

use std::path::Path;
use std::process::Command;

use crate::support::http::{Http, id_of};
use crate::support::kafka::{self, Kafka};
use crate::support::server::{Plan, free_port};

const PASSWORD: &str = "hunter2-and-more";

/// A broker with a listener for TLS and passwords beside the usual one, and that listener's address.
fn secured(test: &str) -> Option<(Kafka, String)> {
    let port = free_port();
    let kafka = kafka::with_properties(test, |folder, plain, controller| {
        certify(folder)?;
        let store = folder.join("broker.p12").display().to_string();
        let own = "listener.name.secure";
        Ok([
            format!("listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}"),
            format!("advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SECURE://127.0.0.1:{port}"),
            "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL".to_owned(),
            format!("{own}.sasl.enabled.mechanisms=PLAIN"),
            format!("{own}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
                 required user_klatsch=\"{PASSWORD}\";"),
            format!("{own}.ssl.keystore.type=PKCS12\n{own}.ssl.keystore.location={store}"),
            format!("{own}.ssl.keystore.password=changeit\n{own}.ssl.key.password=changeit"),
        ]
        .join("\n"))
    })?;
    Some((kafka, format!("127.0.0.1:{port}")))
}

/// Makes a key and a certificate for 127.0.0.1: `broker.p12` for the broker, `broker.pem` for those who trust it.
fn certify(folder: &Path) -> Result<(), String> {
    let keytool = |arguments: &str| {
        let mut command = Command::new("keytool");
        command.args(arguments.split(' ')).args(["-storepass", "changeit", "-keystore", "broker.p12"]);
        let output = command.current_dir(folder).output().map_err(|error| format!("keytool: {error}"))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stdout).into_owned()),
        }
    };
    keytool(
        "-genkeypair -alias broker -keyalg RSA -storetype PKCS12 -dname CN=broker -ext san=ip:127.0.0.1",
    )?;
    keytool("-exportcert -rfc -alias broker -file broker.pem")
}

/// A node's settings for that listener, but for the password.
fn plan(kafka: &Kafka, address: &str) -> Plan {
    Plan::default()
        .set("log.kind", "kafka")
        .set("kafka.brokers", address)
        .set("kafka.partitions", 1)
        .set("kafka.properties.security.protocol", "SASL_SSL")
        .set("kafka.properties.ssl.ca.location", kafka.folder().join("broker.pem").display())
        .set("kafka.properties.sasl.mechanism", "PLAIN")
        .set("kafka.properties.sasl.username", "klatsch")
        // As talkative as it may be.
        .set("kafka.properties.debug", "generic,broker,protocol,feature,security,conf,cgrp,fetch,eos,admin")
        .set("telemetry.log", "debug")
}

#[actix_web::test]
async fn a_node_gets_through_tls_with_a_password_that_nobody_sees() {
    let Some((kafka, address)) = secured("a broker with a password") else {
        return;
    };
    let secret = kafka.folder().join("password");
    std::fs::write(&secret, format!("{PASSWORD}\n")).unwrap();
    let from_file = plan(&kafka, &address).set("kafka.property_files.sasl.password", secret.display());
    let from_environment = plan(&kafka, &address).set("kafka.properties.sasl.password", PASSWORD);
    for (nickname, plan) in [("Ada", from_file), ("Ben", from_environment)] {
        let mut server = plan.start().await;
        let http = Http::to(&server);
        let http = http.acting_as(&http.user(nickname).await);
        let room = id_of(&http.room("safe").await);
        http.enter(&room).await;
        http.say(&room, "nobody listens in").await;
        assert_eq!(http.history(&room).await.last().unwrap()["body"], "nobody listens in");

        let mut said = String::new();
        for arguments in [&["config"][..], &["topics", "check"], &["dlt", "list"]] {
            let output = server.tool(arguments).output().unwrap();
            said.push_str(&String::from_utf8_lossy(&output.stdout));
            said.push_str(&String::from_utf8_lossy(&output.stderr));
            assert!(output.status.success(), "{arguments:?}: {said}");
        }
        assert!(server.terminate().await.success());
        said.push_str(&server.log());
        assert!(said.contains("sasl.username") && said.contains("SASL"), "the log is talkative: {said}");
        let line = said.lines().find(|line| line.contains(PASSWORD));
        assert_eq!(line, None, "the password is shown");
    }
}

#[actix_web::test]
async fn who_may_not_or_cannot_trust_is_told_why_and_not_the_password() {
    let Some((kafka, address)) = secured("a broker with a password") else {
        return;
    };
    let folder = tempfile::TempDir::new().unwrap();
    certify(folder.path()).unwrap();
    let wrong = plan(&kafka, &address).set("kafka.properties.sasl.password", "hunter3");
    let trusting_another = plan(&kafka, &address)
        .set("kafka.properties.sasl.password", PASSWORD)
        .set("kafka.properties.ssl.ca.location", folder.path().join("broker.pem").display());
    let misspelt = plan(&kafka, &address)
        .set("kafka.properties.sasl.password", PASSWORD)
        .set("kafka.properties.sasl.pasword", "hunter3");
    let refused = [(wrong, "authentication"), (trusting_another, "certificate"), (misspelt, "sasl.pasword")];
    for (plan, reason) in refused {
        let output = plan.tool(folder.path(), &["topics", "check"]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success());
        assert!(said.lines().last().unwrap().to_lowercase().contains(reason), "{said}");
        assert!(!said.contains("hunter"), "{said}");
    }
}
