//! The HTTP API as a client sees it: calls, answers, problem documents, and the few steps most tests begin with.
//! It checks the shape that every answer must have, and leaves the claims to the tests.

use awc::http::Method;
use awc::http::header::HeaderMap;
use bytes::Bytes;
use serde_json::{Value, json};

use super::server::Server;
use super::{PATIENCE, within};

/// Somebody with a token.
#[derive(Clone, Debug)]
pub(crate) struct User {
    pub(crate) id: String,
    pub(crate) nickname: String,
    pub(crate) token: String,
}

impl User {
    /// As records and rooms show them.
    pub(crate) fn shown(&self) -> Value {
        json!({ "id": self.id, "nickname": self.nickname })
    }

    /// A guest as they see themselves.
    pub(crate) fn me(&self) -> Value {
        json!({ "id": self.id, "nickname": self.nickname, "role": "guest" })
    }
}

/// A client of one server, acting as somebody or as nobody.
#[derive(Clone)]
pub(crate) struct Http {
    address: String,
    token: Option<String>,
    client: awc::Client,
}

impl Http {
    /// A client without a token.
    pub(crate) fn to(server: &Server) -> Http {
        Http::at(server.address())
    }

    /// A client without a token, of the server at `address`.
    pub(crate) fn at(address: String) -> Http {
        let client = awc::Client::builder().disable_redirects().timeout(2 * PATIENCE).finish();
        Http { address, token: None, client }
    }

    /// The same client with somebody's token.
    pub(crate) fn acting_as(&self, user: &User) -> Http {
        self.with_token(&user.token)
    }

    /// The same client with this token, good or bad.
    pub(crate) fn with_token(&self, token: &str) -> Http {
        Http { token: Some(token.to_owned()), ..self.clone() }
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call {
        // No connection is kept: a pooled one would die with a killed server and fail the next call.
        let mut request = self.client.request(method, format!("http://{}{path}", self.address)).force_close();
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        Call { request, body: None, what: path.to_owned() }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).answer().await
    }

    pub(crate) async fn put(&self, path: &str) -> Answer {
        self.call(Method::PUT, path).answer().await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).answer().await
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path).json(&body).answer().await
    }

    /// Puts something somewhere with a body.
    pub(crate) async fn put_with(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path).json(&body).answer().await
    }

    /// Makes a guest.
    pub(crate) async fn user(&self, nickname: &str) -> User {
        let made = self.post("/api/users", json!({ "nickname": nickname })).await.expect(201);
        user_from(&made)
    }

    /// Makes a room and gives it back; needs a token.
    pub(crate) async fn room(&self, name: &str) -> Value {
        self.post("/api/rooms", json!({ "name": name })).await.expect(201)
    }

    /// Makes a private room and gives its id; needs a token.
    pub(crate) async fn private_room(&self, name: &str) -> String {
        let made = self.post("/api/rooms", json!({ "name": name, "visibility": "private" })).await;
        id_of(&made.expect(201))
    }

    /// Becomes a member of a room.
    pub(crate) async fn enter(&self, room: &str) -> Value {
        self.put(&format!("/api/rooms/{room}/members/me")).await.expect(200)
    }

    /// Says something in a room.
    pub(crate) async fn say(&self, room: &str, body: &str) -> Value {
        self.post(&messages_of(room), json!({ "body": body })).await.expect(201)
    }

    /// The room as it is now, as it is shown everywhere: without how far it is stored.
    pub(crate) async fn look_at(&self, room: &str) -> Value {
        let mut shown = self.get(&format!("/api/rooms/{room}")).await.expect(200);
        shown.as_object_mut().unwrap().remove("stored").expect("a position");
        shown
    }

    /// A figure of `/metrics`, summed over its labels; 0 where there is none yet.
    pub(crate) async fn figure(&self, name: &str) -> f64 {
        let metrics = self.get("/metrics").await.text();
        let values = metrics.lines().filter_map(|line| {
            let rest = line.strip_prefix(name)?;
            let (labels, value) = rest.rsplit_once(' ')?;
            (labels.is_empty() || labels.starts_with('{')).then(|| value.parse::<f64>().unwrap())
        });
        values.sum()
    }

    /// The whole history of a room, read page by page; panics where it is not dense from 1.
    pub(crate) async fn history(&self, room: &str) -> Vec<Value> {
        let mut records: Vec<Value> = Vec::new();
        loop {
            let after = records.len();
            let path = format!("{}?after={after}&limit=500", messages_of(room));
            let page = self.get(&path).await.expect(200);
            let page = page["records"].as_array().unwrap();
            if page.is_empty() {
                return records;
            }
            for record in page {
                assert_eq!(record["seq"], records.len() + 1, "history is not dense: {record}");
                records.push(record.clone());
            }
        }
    }
}

/// A call that is being put together.
pub(crate) struct Call {
    request: awc::ClientRequest,
    body: Option<Bytes>,
    what: String,
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Call {
        self.request = self.request.insert_header((name, value));
        self
    }

    /// Adds parameters, encoded, to the query.
    pub(crate) fn query(mut self, pairs: &[(&str, &str)]) -> Call {
        self.request = self.request.query(&pairs).unwrap();
        self
    }

    pub(crate) fn json(self, body: &Value) -> Call {
        self.body("application/json", body.to_string())
    }

    /// A body of any kind.
    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Bytes>) -> Call {
        self.request = self.request.insert_header(("content-type", content_type));
        self.body = Some(body.into());
        self
    }

    /// Sends it and reads the whole answer.
    pub(crate) async fn answer(self) -> Answer {
        let what = self.what.clone();
        self.try_answer().await.unwrap_or_else(|error| panic!("{what}: {error}"))
    }

    /// Sends it and reads the whole answer; an error is a server that is away.
    pub(crate) async fn try_answer(self) -> Result<Answer, String> {
        let what = self.what.clone();
        within(&what, async {
            let sent = match self.body {
                Some(body) => self.request.send_body(body),
                None => self.request.send(),
            };
            let mut response = sent.await.map_err(|error| error.to_string())?;
            let bytes = response.body().limit(64 << 20).await.map_err(|error| error.to_string())?;
            Ok(Answer {
                what: what.clone(),
                status: response.status().as_u16(),
                headers: response.headers().clone(),
                bytes,
            })
        })
        .await
    }
}

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    what: String,
    pub(crate) status: u16,
    headers: HeaderMap,
    bytes: Bytes,
}

impl Answer {
    /// A header's value, empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    /// The JSON of an answer that must have this status.
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.what, self.text());
        if self.bytes.is_empty() {
            return Value::Null;
        }
        let content_type = self.header("content-type");
        assert!(content_type.starts_with("application/json"), "{}: {content_type}", self.what);
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The problem document of a refusal with this status and code.
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let text = self.text();
        assert_eq!(self.status, status, "{}: {text}", self.what);
        let content_type = self.header("content-type");
        assert!(
            content_type.starts_with("application/problem+json"),
            "{}: {content_type}: {text}",
            self.what
        );
        let problem: Value = serde_json::from_slice(&self.bytes).unwrap();
        assert_eq!(problem["code"], code, "{}: {problem}", self.what);
        assert_eq!(problem["status"], status, "{}: {problem}", self.what);
        for name in ["type", "title", "detail"] {
            assert!(problem[name].is_string(), "{}: no {name} in {problem}", self.what);
        }
        if let Some(retry) = problem.get("retry") {
            assert!(
                ["no", "later", "reconnect"].map(Value::from).contains(retry),
                "{}: {problem}",
                self.what
            );
        }
        problem
    }

    /// A refusal of one field.
    pub(crate) fn invalid(&self, field: &str) -> Value {
        let problem = self.problem(422, "invalid");
        assert_eq!(problem["field"], field, "{}: {problem}", self.what);
        problem
    }
}

/// The user and token of an answer to `POST /api/users`.
pub(crate) fn user_from(made: &Value) -> User {
    User {
        id: text(&made["user"]["id"]),
        nickname: text(&made["user"]["nickname"]),
        token: text(&made["token"]),
    }
}

/// The path of a room's messages.
pub(crate) fn messages_of(room: &str) -> String {
    format!("/api/rooms/{room}/messages")
}

/// The id of a room, user or anything else that has one.
pub(crate) fn id_of(thing: &Value) -> String {
    text(&thing["id"])
}

/// `<epoch>:<seq>` of a position.
pub(crate) fn position_text(position: &Value) -> String {
    format!("{}:{}", text(&position["epoch"]), position["seq"].as_u64().unwrap())
}

/// A string that must be one.
pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}")).to_owned()
}

/// The sequence numbers of records.
pub(crate) fn seqs(records: &[Value]) -> Vec<u64> {
    records.iter().map(|record| record["seq"].as_u64().unwrap()).collect()
}

/// The bodies of the messages among records.
pub(crate) fn bodies(records: &[Value]) -> Vec<&str> {
    records.iter().filter_map(|record| record["body"].as_str()).collect()
}
