//! A node that speaks TLS: to curl, to a socket, with a certificate that is changed under it.
//! Which ciphers and versions there are is rustls' business.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

use crate::support::server::{KLATSCH, Plan, Server, without_settings};
use crate::support::{signal, until, within};

/// Makes a key and a certificate for 127.0.0.1 as `NAME.key` and `NAME.pem`.
fn certify(folder: &Path, name: &str) {
    let line = format!(
        "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN={name} \
         -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE \
         -keyout {name}.key -out {name}.pem"
    );
    let made = Command::new("sh").args(["-c", &line]).current_dir(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// What curl gets of a path, headers included, when it trusts one certificate alone; `None` where it does not.
fn curl(server: &Server, trusted: &Path, path: &str) -> Option<String> {
    let address = format!("https://{}{path}", server.address());
    let output = Command::new("curl")
        .args(["--silent", "--show-error", "--include", "--http1.1", "--max-time", "20", "--cacert"])
        .arg(trusted)
        .arg(address)
        .output()
        .unwrap();
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A folder with the pairs `one` and `other`, of which `one` is in force as `node`.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    certify(folder.path(), "one");
    certify(folder.path(), "other");
    put_in_place(folder.path(), "one");
    folder
}

fn put_in_place(folder: &Path, name: &str) {
    for end in ["pem", "key"] {
        fs::copy(folder.join(format!("{name}.{end}")), folder.join(format!("node.{end}"))).unwrap();
    }
}

fn plan(folder: &Path) -> Plan {
    Plan::default()
        .set("tls.cert", folder.join("node.pem").display())
        .set("tls.key", folder.join("node.key").display())
        .set("tls.hsts_s", 3600)
}

/// The native socket over TLS, to a server whose certificate is the trusted one.
async fn secure_socket(server: &Server, trusted: &Path) -> WebSocketStream<TlsStream<TcpStream>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(trusted).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(server.address()).await.unwrap();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    let url = format!("wss://{}/api/socket", server.address());
    within("a handshake", tokio_tungstenite::client_async(url, stream)).await.unwrap().0
}

/// Says something and hears until an answer of this type comes.
async fn ask(socket: &mut WebSocketStream<TlsStream<TcpStream>>, request: &str, answer: &str) {
    socket.send(Message::text(request)).await.unwrap();
    loop {
        let message = within(answer, socket.next()).await.unwrap().unwrap();
        if message.to_text().is_ok_and(|text| text.contains(&format!("\"type\":\"{answer}\""))) {
            return;
        }
    }
}

#[actix_web::test]
async fn a_node_speaks_tls_to_curl_and_to_a_socket() {
    let folder = folder();
    let server = plan(folder.path()).start_secured().await;
    let trusted = folder.path().join("one.pem");
    let health = curl(&server, &trusted, "/healthz").expect("curl trusts the certificate");
    assert!(health.starts_with("HTTP/1.1 200"), "{health}");
    assert!(health.to_lowercase().contains("strict-transport-security: max-age=3600"), "{health}");
    assert_eq!(curl(&server, &folder.path().join("other.pem"), "/healthz"), None, "anybody's is trusted");
    let mut socket = secure_socket(&server, &trusted).await;
    ask(&mut socket, r#"{"type":"connect","nickname":"Ada"}"#, "connected").await;
    server.must_not_have_panicked();
}

#[actix_web::test]
async fn a_new_certificate_is_in_force_after_sighup_and_open_sockets_stay() {
    let folder = folder();
    let server = plan(folder.path()).start_secured().await;
    let [one, other] = ["one.pem", "other.pem"].map(|file| folder.path().join(file));
    let mut socket = secure_socket(&server, &one).await;
    ask(&mut socket, r#"{"type":"connect","nickname":"Ada"}"#, "connected").await;

    put_in_place(folder.path(), "other");
    assert!(curl(&server, &one, "/healthz").is_some(), "nobody told the node yet");
    signal("HUP", server.pid());
    until("the new certificate", async || curl(&server, &other, "/healthz").is_some()).await;
    assert_eq!(curl(&server, &one, "/healthz"), None);
    ask(&mut socket, r#"{"type":"ping"}"#, "pong").await;
    let mut newer = secure_socket(&server, &other).await;
    ask(&mut newer, r#"{"type":"connect","nickname":"Ben"}"#, "connected").await;
}

#[actix_web::test]
async fn a_broken_new_certificate_leaves_the_one_before_in_force() {
    let folder = folder();
    let server = plan(folder.path()).start_secured().await;
    let one = folder.path().join("one.pem");
    let breaks: [(&str, &dyn Fn()); 3] = [
        ("is not PEM", &|| {
            fs::write(folder.path().join("node.pem"), "-----BEGIN CERTIFICATE-----\nx").unwrap()
        }),
        ("is not that of", &|| {
            drop(fs::copy(folder.path().join("other.pem"), folder.path().join("node.pem")))
        }),
        ("cannot read", &|| fs::remove_file(folder.path().join("node.key")).unwrap()),
    ];
    for (words, break_it) in breaks {
        break_it();
        signal("HUP", server.pid());
        until(words, async || server.log().contains(words)).await;
        assert!(server.log().contains("the one before stays in force"), "{}", server.log());
        assert!(curl(&server, &one, "/healthz").is_some(), "{words}");
    }
}

#[actix_web::test]
async fn a_node_does_not_start_with_half_a_pair_or_a_wrong_one() {
    let folder = folder();
    fs::copy(folder.path().join("other.key"), folder.path().join("node.key")).unwrap();
    let cert = folder.path().join("node.pem").display().to_string();
    for (key, words) in [("", "tls.key"), ("node.key", "is not that of")] {
        let mut command = Command::new(KLATSCH);
        without_settings(&mut command).arg("serve").current_dir(folder.path());
        command.env("KLATSCH__TLS__CERT", &cert).env("KLATSCH__TLS__KEY", key);
        let output = command.env("KLATSCH__SERVER__LISTEN", "127.0.0.1:0").output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(words), "{said}");
    }
}
