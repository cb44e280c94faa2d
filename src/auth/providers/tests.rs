//! Logins at a provider that this test is: what lets somebody in, and what is done to their way back.
//! A provider that others wrote is asked in `web/tests/login`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use jsonwebtoken::{Algorithm, EncodingKey, Header, jwk::Jwk};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};
use url::Url;

use super::*;
use crate::{
    auth::{fetch::Fetcher, issuers::TokenFault},
    config::{ProviderSettings, Settings},
    domain::Limits,
    storage::{Database, Options},
};

const NOW: Timestamp = Timestamp::from_millis(1_763_712_000_000);
const CALLBACK: &str = "https://chat.example/api/auth/callback/work";

/// What the provider says at each of its paths: a status and a document. What it was asked stands beside it.
#[derive(Clone, Default)]
struct Says(Arc<Mutex<HashMap<String, (u16, Value)>>>, Arc<Mutex<Vec<String>>>);

impl Says {
    fn say(&self, path: &str, status: u16, document: Value) {
        self.0.lock().unwrap().insert(path.to_owned(), (status, document));
    }

    fn asked(&self) -> Vec<String> {
        self.1.lock().unwrap().clone()
    }
}

/// What the provider speaks.
enum Speaks {
    OpenId,
    OAuth,
}

struct House {
    base: String,
    says: Says,
    providers: Providers,
    _folder: TempDir,
}

impl House {
    /// A house with a provider of OpenID Connect, or of OAuth 2.0 alone.
    async fn open(speaks: Speaks) -> Self {
        let (base, says) = serve().await;
        let keys = json!({"keys": [jwk()]});
        says.say("/jwks", 200, keys);
        says.say(
            "/.well-known/openid-configuration",
            200,
            json!({
                "issuer": base, "authorization_endpoint": format!("{base}/auth?prompt=login"),
                "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/jwks"),
                "userinfo_endpoint": format!("{base}/me"),
            }),
        );
        let mut entry = json!({"id": "work", "client_id": "chat", "client_secret": "hunter2"});
        let more = match speaks {
            Speaks::OpenId => json!({"issuer": base}),
            Speaks::OAuth => json!({
                "authorization_url": format!("{base}/auth"), "token_url": format!("{base}/token"),
                "userinfo_url": format!("{base}/me"), "issuer": "https://forum.example",
                "claims": {"id": "response.id", "nickname": "response.nickname"}, "client_auth": "post",
            }),
        };
        entry.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let settings: ProviderSettings = serde_json::from_value(entry).unwrap();
        let fetcher = Fetcher::new(&Settings::default().auth);
        let other: ProviderSettings = ProviderSettings { id: "other".to_owned(), ..settings.clone() };
        let providers =
            [settings, other].map(|one| Provider::new(&one, Some("hunter2".to_owned()), &fetcher));
        let folder = TempDir::new().unwrap();
        let url = format!("sqlite://{}", folder.path().join("klatsch.sqlite").display());
        let database = Database::open(Options { url, read_connections: 1, busy_timeout_ms: 1000 }).unwrap();
        database.migrate().unwrap();
        let providers = Providers::new(providers.into(), Store::new(database, 1));
        Self { base, says, providers, _folder: folder }
    }

    /// Begins a login: what the browser keeps, and the parameters of the address that it is sent to.
    async fn begin(&self) -> (String, HashMap<String, String>) {
        let begun =
            self.providers.begin("work", CALLBACK.to_owned(), "/rooms".to_owned(), NOW).await.unwrap();
        assert!(begun.url.starts_with(&format!("{}/auth?", self.base)), "{}", begun.url);
        let url = Url::parse(&begun.url).unwrap();
        (begun.browser, url.query_pairs().into_owned().collect())
    }

    /// The provider gives an ID token with these claims for the next code.
    fn will_say(&self, nonce: &str, change: Value) {
        let mut claims = json!({
            "iss": self.base, "aud": "chat", "sub": "7", "nonce": nonce, "preferred_username": "Ada",
            "email": "ada@example.com", "email_verified": true, "iat": 1_763_712_000, "exp": 1_763_712_300,
        });
        claims.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let header = Header { kid: Some("k1".to_owned()), ..Header::new(Algorithm::EdDSA) };
        let id_token = jsonwebtoken::encode(&header, &claims, &key()).unwrap();
        let tokens = json!({"access_token": "a-secret-token", "token_type": "Bearer", "id_token": id_token});
        self.says.say("/token", 200, tokens);
    }

    /// Comes back with a code.
    async fn finish(&self, state: &str, browser: &str) -> Result<Finished, LoginFault> {
        let answer = Answer { state: Some(state), code: Some("code"), ..Answer::default() };
        self.providers.finish("work", &answer, Some(browser), NOW).await
    }

    /// Begins and ends a login with these claims.
    async fn login(&self, change: Value) -> Result<Finished, LoginFault> {
        let (browser, sent) = self.begin().await;
        self.will_say(&sent["nonce"], change);
        self.finish(&sent["state"], &browser).await
    }

    /// Takes a nickname after a first login.
    async fn register(&self, finished: Finished, nickname: &str) -> Result<User, Refusal> {
        let Finished::New { secret, .. } = finished else { panic!("they are known: {finished:?}") };
        let nickname = Nickname::parse(nickname, &Limits::default()).unwrap();
        self.providers.register(&secret, nickname, NOW).await
    }
}

async fn serve() -> (String, Says) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let says = Says::default();
    let knows = says.clone();
    actix_rt::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let mut request = Vec::new();
            while !is_whole(&request) {
                let mut more = [0; 4096];
                match client.read(&mut more).await {
                    Ok(read) if read > 0 => request.extend_from_slice(&more[..read]),
                    _ => break,
                }
            }
            let request = String::from_utf8_lossy(&request).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
            knows.1.lock().unwrap().push(request);
            let said = knows.0.lock().unwrap().get(&path).cloned();
            let (status, body) =
                said.map_or((404, String::new()), |(status, body)| (status, body.to_string()));
            let head =
                format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
            let answer = format!("{head}content-type: application/json\r\n\r\n{body}");
            let _ = client.write_all(answer.as_bytes()).await;
        }
    });
    (base, says)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn key() -> EncodingKey {
    EncodingKey::from_ed_pem(include_bytes!("../../../tests/keys/ed25519.pem")).unwrap()
}

fn jwk() -> Value {
    let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&key(), Algorithm::EdDSA).unwrap()).unwrap();
    jwk["kid"] = "k1".into();
    jwk
}

#[actix_rt::test]
async fn the_way_there_has_state_nonce_and_a_challenge_and_never_the_secret() {
    let house = House::open(Speaks::OpenId).await;
    let (browser, sent) = house.begin().await;
    let expected = [
        ("client_id", "chat"),
        ("response_type", "code"),
        ("scope", "openid profile"),
        ("code_challenge_method", "S256"),
        ("redirect_uri", CALLBACK),
        ("prompt", "login"),
    ];
    for (name, value) in expected {
        assert_eq!(sent[name], value);
    }
    let (_, again) = house.begin().await;
    for name in ["state", "nonce", "code_challenge"] {
        assert!(sent[name].len() >= 43 && sent[name] != again[name], "{name}: {sent:?}");
    }
    assert!(!sent.values().any(|value| value.contains("hunter2") || value.contains(&browser)));
}

#[actix_rt::test]
async fn who_comes_first_chooses_a_nickname_and_is_known_from_then_on() {
    let house = House::open(Speaks::OpenId).await;
    let finished = house.login(json!({})).await.unwrap();
    let Finished::New { secret, return_to } = &finished else { panic!("{finished:?}") };
    assert_eq!(return_to, "/rooms");
    assert_eq!(house.providers.newcomer(secret, NOW).await.unwrap().as_deref(), Some("Ada"));
    let secret = secret.clone();
    let ada = house.register(finished, "Countess").await.unwrap();
    assert_eq!(&*ada.nickname, "Countess");
    let late = house.providers.newcomer(&secret, NOW).await.unwrap_err();
    assert_eq!(late.code, Code::LoginFailed, "it was used");

    let again = house.login(json!({"preferred_username": "Somebody"})).await.unwrap();
    let Finished::Known { user, .. } = again else { panic!("{again:?}") };
    assert_eq!(user, ada);
    let token = house.says.asked().into_iter().find(|asked| asked.starts_with("POST /token")).unwrap();
    assert!(token.contains("code_verifier="), "{token}");
    assert!(token.to_lowercase().contains("authorization: basic "), "{token}");
}

#[actix_rt::test]
async fn the_same_verified_email_makes_nobody_somebody_else() {
    let house = House::open(Speaks::OpenId).await;
    let ada = house.login(json!({})).await.unwrap();
    let ada = house.register(ada, "Ada").await.unwrap();
    let other = house.login(json!({"sub": "8"})).await.unwrap();
    let taken = house.providers.register(
        match &other {
            Finished::New { secret, .. } => secret,
            known => panic!("{known:?}"),
        },
        Nickname::parse("ADA", &Limits::default()).unwrap(),
        NOW,
    );
    assert_eq!(taken.await.unwrap_err().code, Code::NicknameTaken);
    let other = house.register(other, "Other Ada").await.unwrap();
    assert_ne!(ada.id, other.id);
}

#[actix_rt::test]
async fn a_login_comes_back_once_to_its_own_browser_and_provider() {
    let house = House::open(Speaks::OpenId).await;
    for (what, expected) in [
        ("another state", LoginFault::Unknown),
        ("no state", LoginFault::Unknown),
        ("another browser", LoginFault::OtherBrowser),
        ("no cookie", LoginFault::OtherBrowser),
        ("another provider", LoginFault::Unknown),
        ("too late", LoginFault::Unknown),
    ] {
        let (browser, sent) = house.begin().await;
        house.will_say(&sent["nonce"], json!({}));
        let state = if what == "another state" { "made up" } else { &*sent["state"] };
        let answer =
            Answer { state: (what != "no state").then_some(state), code: Some("code"), ..Answer::default() };
        let browser = match what {
            "another browser" => Some("made up"),
            "no cookie" => None,
            _ => Some(browser.as_str()),
        };
        let provider = if what == "another provider" { "other" } else { "work" };
        let when = if what == "too late" { later(NOW) } else { NOW };
        let fault = house.providers.finish(provider, &answer, browser, when).await.unwrap_err();
        assert_eq!(fault, expected, "{what}");
    }
    let (browser, sent) = house.begin().await;
    house.will_say(&sent["nonce"], json!({}));
    assert!(house.finish(&sent["state"], &browser).await.is_ok());
    assert_eq!(house.finish(&sent["state"], &browser).await.unwrap_err(), LoginFault::Unknown);
}

#[actix_rt::test]
async fn an_id_token_that_is_not_for_this_login_lets_nobody_in() {
    let house = House::open(Speaks::OpenId).await;
    for (change, expected) in [
        (json!({"nonce": "another"}), LoginFault::Nonce),
        (json!({"nonce": null}), LoginFault::Nonce),
        (json!({"aud": "another"}), TokenFault::Audience.into()),
        (json!({"aud": ["chat", "another"]}), TokenFault::Audience.into()),
        (json!({"aud": ["chat", "another"], "azp": "another"}), TokenFault::Audience.into()),
        (json!({"azp": "another"}), TokenFault::Audience.into()),
        (json!({"iss": "https://another.example"}), TokenFault::Issuer.into()),
        (json!({"exp": 1_763_711_000}), TokenFault::Expired.into()),
        (json!({"sub": null}), TokenFault::Nobody.into()),
    ] {
        assert_eq!(house.login(change.clone()).await.unwrap_err(), expected, "{change}");
    }
    assert!(house.login(json!({"aud": ["chat", "another"], "azp": "chat"})).await.is_ok());
    let (browser, sent) = house.begin().await;
    house.says.say("/token", 200, json!({"access_token": "t", "token_type": "Bearer"}));
    assert_eq!(house.finish(&sent["state"], &browser).await.unwrap_err(), LoginFault::NoIdToken);
}

#[actix_rt::test]
async fn what_the_provider_says_instead_of_a_code_or_a_token_is_told_in_our_words() {
    let house = House::open(Speaks::OpenId).await;
    let mut faults = Vec::new();
    for answer in [
        Answer { error: Some("access_denied"), ..Answer::default() },
        Answer { error: Some("<script>alert(1)</script>"), ..Answer::default() },
        Answer::default(),
        Answer { code: Some("c"), iss: Some("https://another.example"), ..Answer::default() },
    ] {
        let (browser, sent) = house.begin().await;
        let answer = Answer { state: Some(&sent["state"]), ..answer };
        faults.push(house.providers.finish("work", &answer, Some(&browser), NOW).await.unwrap_err());
    }
    let expected = [LoginFault::Denied, LoginFault::Refused, LoginFault::Refused, LoginFault::OtherIssuer];
    assert_eq!(faults, expected);
    assert!(faults.iter().all(|fault| !fault.to_string().contains('<')));

    for (status, document, expected) in [
        (400, json!({"error": "invalid_grant", "error_description": "used"}), LoginFault::Code),
        (200, json!({"error": "bad_verification_code"}), LoginFault::Code),
        (500, json!("oh"), LoginFault::Away),
    ] {
        let (browser, sent) = house.begin().await;
        house.says.say("/token", status, document);
        assert_eq!(house.finish(&sent["state"], &browser).await.unwrap_err(), expected);
    }
}

#[actix_rt::test]
async fn a_nickname_that_the_id_token_lacks_is_looked_up_and_must_be_of_the_same_person() {
    let house = House::open(Speaks::OpenId).await;
    house.says.say("/me", 200, json!({"sub": "7", "name": "Ada Lovelace"}));
    let finished = house.login(json!({"preferred_username": null})).await.unwrap();
    let Finished::New { secret, .. } = finished else { panic!("{finished:?}") };
    assert_eq!(house.providers.newcomer(&secret, NOW).await.unwrap().as_deref(), Some("Ada Lovelace"));
    house.says.say("/me", 200, json!({"sub": "8", "name": "Eve"}));
    let fault = house.login(json!({"preferred_username": null})).await.unwrap_err();
    assert_eq!(fault, LoginFault::OtherPerson);
}

#[actix_rt::test]
async fn where_there_is_no_id_token_somebody_is_who_the_providers_document_says() {
    let house = House::open(Speaks::OAuth).await;
    // As NAVER writes it: numbers as texts, and all of it below another object.
    let tokens = json!({"access_token": "t", "token_type": "bearer", "expires_in": "3600"});
    house.says.say("/token", 200, tokens);
    house.says.say("/me", 200, json!({"resultcode": "00", "response": {"id": 4711, "nickname": "Ada"}}));
    let (browser, sent) = house.begin().await;
    assert!(!sent.contains_key("nonce") && !sent.contains_key("scope"), "{sent:?}");
    let finished = house.finish(&sent["state"], &browser).await.unwrap();
    let ada = house.register(finished, "Ada").await.unwrap();

    let asked = house.says.asked();
    let of = |path: &str| asked.iter().find(|asked| asked.contains(path)).unwrap();
    let token = of("POST /token");
    for part in ["client_secret=hunter2", "client_id=chat", "code=code", "code_verifier=", "state="] {
        assert!(token.contains(part), "{part}: {token}");
    }
    assert!(of("GET /me").to_lowercase().contains("authorization: bearer t\r\n"));

    let (browser, sent) = house.begin().await;
    let again = house.finish(&sent["state"], &browser).await.unwrap();
    assert!(matches!(again, Finished::Known { user, .. } if user == ada));

    for (status, document, expected) in [
        (200, json!({"resultcode": "024"}), TokenFault::Nobody.into()),
        (200, json!([1]), LoginFault::OtherPerson),
        (401, json!({}), LoginFault::Away),
    ] {
        house.says.say("/me", status, document);
        let (browser, sent) = house.begin().await;
        assert_eq!(house.finish(&sent["state"], &browser).await.unwrap_err(), expected);
    }
}

#[actix_rt::test]
async fn a_provider_that_is_away_is_said_to_be_and_another_one_is_unknown() {
    let house = House::open(Speaks::OpenId).await;
    house.says.say("/.well-known/openid-configuration", 500, json!({}));
    let begin = async |id: &str| {
        house.providers.begin(id, CALLBACK.to_owned(), "/".to_owned(), NOW).await.map(drop).unwrap_err()
    };
    assert_eq!(begin("work").await, LoginFault::Away);
    assert_eq!(begin("nobody").await, LoginFault::NoProvider);
    assert_eq!(LoginFault::Away.code(), Code::AuthUnavailable);
}
