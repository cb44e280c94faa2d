//! Keys that an issuer serves over HTTP: when it is asked, how often, and what holds while it is away.
//! The server is a real one, of this process.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    task::JoinHandle,
};

use super::*;

/// An issuer's server: what it says can be changed, and how often it was asked is counted.
struct Served {
    url: String,
    answer: Arc<Mutex<String>>,
    asked: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl Served {
    async fn start(keys: &Value) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/jwks", listener.local_addr().unwrap());
        let answer = Arc::new(Mutex::new(ok(keys)));
        let asked = Arc::new(AtomicUsize::new(0));
        let (says, counts) = (Arc::clone(&answer), Arc::clone(&asked));
        let serving = actix_rt::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                counts.fetch_add(1, Ordering::SeqCst);
                let mut request = [0; 4096];
                let _ = client.read(&mut request).await;
                let text = says.lock().unwrap().clone();
                let _ = client.write_all(text.as_bytes()).await;
            }
        });
        Self { url, answer, asked, serving }
    }

    fn say(&self, answer: String) {
        *self.answer.lock().unwrap() = answer;
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }

    fn issuer(&self) -> Issuer {
        issuer(json!({"jwks_url": self.url, "refresh_s": 10, "keys_age_s": 60}))
    }
}

fn ok(keys: &Value) -> String {
    let body = json!({ "keys": keys }).to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}")
}

fn after(seconds: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + seconds * 1000)
}

#[actix_rt::test]
async fn an_unknown_key_is_looked_for_once_and_then_not_for_a_while() {
    let (old, new) = (pair(EdDSA).0, pair(ES256).0);
    let served = Served::start(&json!([jwk(&old, EdDSA, "old")])).await;
    let issuer = served.issuer();
    let by_old = sign(EdDSA, Some("old"), &old, &claims(json!({})));
    let by_new = sign(ES256, Some("new"), &new, &claims(json!({})));
    for _ in 0..3 {
        assert!(issuer.verify(&by_old, NOW).await.is_ok());
    }
    assert_eq!(served.asked(), 1);

    assert_eq!(issuer.verify(&by_new, after(1)).await.map(drop), Err(TokenFault::UnknownKey));
    assert_eq!(served.asked(), 1, "it was asked a second ago");

    served.say(ok(&json!([jwk(&new, ES256, "new")])));
    for _ in 0..3 {
        assert!(issuer.verify(&by_new, after(10)).await.is_ok());
    }
    assert_eq!(served.asked(), 2);
    assert_eq!(issuer.verify(&by_old, after(11)).await.map(drop), Err(TokenFault::UnknownKey));
    for seconds in 11..20 {
        let by_nobody = sign(EdDSA, Some("nobody's"), &old, &claims(json!({})));
        assert_eq!(issuer.verify(&by_nobody, after(seconds)).await.map(drop), Err(TokenFault::UnknownKey));
    }
    assert_eq!(served.asked(), 2, "a flood of unknown keys asks nobody");
}

#[actix_rt::test]
async fn keys_that_are_known_are_good_while_the_issuer_is_away() {
    let key = pair(EdDSA).0;
    let served = Served::start(&json!([jwk(&key, EdDSA, "k1")])).await;
    let issuer = served.issuer();
    let token = sign(EdDSA, Some("k1"), &key, &claims(json!({})));
    assert!(issuer.verify(&token, NOW).await.is_ok());
    served.serving.abort();
    tokio::task::yield_now().await;
    for seconds in [1, 61, 120] {
        assert!(issuer.verify(&token, after(seconds)).await.is_ok(), "after {seconds} s");
    }
}

#[actix_rt::test]
async fn without_any_keys_nobody_is_judged_and_the_issuer_is_asked_again_later() {
    let key = pair(EdDSA).0;
    let served = Served::start(&json!([])).await;
    let issuer = served.issuer();
    let token = sign(EdDSA, Some("k1"), &key, &claims(json!({})));
    for answer in [
        "HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        "HTTP/1.1 302 Found\r\nlocation: /keys\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned(),
        format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{{\"keys\":[\"{}\"]}}", "x".repeat(300_000)),
    ] {
        served.say(answer);
        let fresh = served.issuer();
        assert_eq!(fresh.verify(&token, NOW).await.map(drop), Err(TokenFault::NoKeys));
    }
    assert_eq!(issuer.verify(&token, NOW).await.map(drop), Err(TokenFault::NoKeys));
    let asked = served.asked();
    served.say(ok(&json!([jwk(&key, EdDSA, "k1")])));
    assert_eq!(issuer.verify(&token, after(1)).await.map(drop), Err(TokenFault::NoKeys));
    assert_eq!(served.asked(), asked, "it was asked a second ago");
    assert!(issuer.verify(&token, after(10)).await.is_ok());
}

#[actix_rt::test]
async fn many_who_come_at_once_ask_once() {
    let key = pair(EdDSA).0;
    let served = Served::start(&json!([jwk(&key, EdDSA, "k1")])).await;
    let issuer = served.issuer();
    let token = sign(EdDSA, Some("k1"), &key, &claims(json!({})));
    let verdicts = futures_util::future::join_all((0..20).map(|_| issuer.verify(&token, NOW))).await;
    assert!(verdicts.iter().all(Result::is_ok));
    assert_eq!(served.asked(), 1);
}

#[actix_rt::test]
async fn a_withdrawn_key_is_forgotten_when_keys_are_old() {
    let (old, new) = (pair(EdDSA).0, pair(ES256).0);
    let served = Served::start(&json!([jwk(&old, EdDSA, "old")])).await;
    let issuer = served.issuer();
    let token = sign(EdDSA, Some("old"), &old, &claims(json!({})));
    assert!(issuer.verify(&token, NOW).await.is_ok());
    served.say(ok(&json!([jwk(&new, ES256, "new")])));
    assert!(issuer.verify(&token, after(59)).await.is_ok());
    assert_eq!(served.asked(), 1);
    assert!(issuer.verify(&token, after(60)).await.is_ok(), "nobody waits for the keys to be fetched anew");
    while issuer.verify(&token, after(61)).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert_eq!(issuer.verify(&token, after(61)).await.map(drop), Err(TokenFault::UnknownKey));
    assert_eq!(served.asked(), 2);
}

#[actix_rt::test]
async fn an_issuer_with_one_key_without_a_name_may_change_it() {
    let without_id = |key: &EncodingKey, algorithm| {
        let mut jwk = jwk(key, algorithm, "");
        jwk.as_object_mut().unwrap().remove("kid");
        jwk
    };
    let (old, new) = (pair(RS256).0, other_rsa());
    let served = Served::start(&json!([without_id(&old, RS256)])).await;
    let issuer = served.issuer();
    assert!(issuer.verify(&sign(RS256, None, &old, &claims(json!({}))), NOW).await.is_ok());
    served.say(ok(&json!([without_id(&new, RS256)])));
    assert!(issuer.verify(&sign(RS256, None, &new, &claims(json!({}))), after(10)).await.is_ok());
    assert_eq!(served.asked(), 2);
}
