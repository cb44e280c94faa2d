//! The examples of docs/PROTOCOL.md, replayed against the real server, so that the document stays true.
//! Claims beyond them are the contract tests' business.

use std::collections::HashMap;

use awc::http::Method;
use serde_json::Value;

use crate::support::http::Http;
use crate::support::server::Server;
use crate::support::socket::{Heard, Socket};

const MANUAL: &str = include_str!("../../docs/PROTOCOL.md");

/// Stands for any text in an expectation.
const ANYTHING: &str = "…";

#[actix_web::test]
async fn the_examples_of_the_manual_are_what_happens() {
    let server = Server::start().await;
    let mut names = Names::default();
    for exchange in examples("http") {
        replay_call(&Http::to(&server), exchange, &mut names).await;
    }
    let mut socket = Socket::open(&server).await;
    let mut heard = Vec::new();
    for line in examples("socket").flat_map(|example| example.lines()) {
        match line.split_at(2) {
            ("> ", request) => socket.tell_text(&names.filled_in(request)).await,
            (_, expected) => hear(&mut socket, &mut heard, expected, &mut names).await,
        }
    }
}

/// The fenced blocks of a kind.
fn examples(kind: &str) -> impl Iterator<Item = &'static str> {
    let fence = format!("```{kind}\n");
    let blocks: Vec<&str> = MANUAL.split(&fence).skip(1).collect();
    assert!(!blocks.is_empty(), "docs/PROTOCOL.md has no examples of {kind}");
    blocks.into_iter().map(|block| block.split("```").next().unwrap())
}

async fn replay_call(http: &Http, example: &str, names: &mut Names) {
    let mut lines = example.lines();
    while let (Some(request), Some(expected)) = (lines.next(), lines.next()) {
        let request = names.filled_in(request.strip_prefix("> ").expect(request));
        let (line, body) =
            request.split_once(" {").map_or((request.as_str(), None), |(line, body)| (line, Some(body)));
        let words: Vec<&str> = line.split(' ').collect();
        let http = match words.get(3) {
            Some(token) => http.with_token(token),
            None => http.clone(),
        };
        let mut call = http.call(words[0].parse::<Method>().unwrap(), words[1]);
        if let Some(body) = body {
            call = call.body("application/json", format!("{{{body}"));
        }
        let answer = call.answer().await;
        let expected = expected.strip_prefix("< ").expect(expected);
        let (status, body) = expected.split_once(' ').unwrap_or((expected, ""));
        assert_eq!(answer.status.to_string(), status, "{request}: {}", answer.text());
        if !body.is_empty() {
            let (expected, found) = (parsed(body), parsed(&answer.text()));
            assert!(names.match_up(&expected, &found), "{request}: expected {expected}, got {found}");
        }
    }
}

/// Hears until something fits; replies may overtake pushes.
async fn hear(socket: &mut Socket, heard: &mut Vec<Value>, expected: &str, names: &mut Names) {
    let expected = parsed(expected);
    loop {
        if let Some(index) = heard.iter().position(|found| names.clone().match_up(&expected, found)) {
            let found = heard.remove(index);
            names.match_up(&expected, &found);
            return;
        }
        match socket.hear().await {
            Heard::Json(value) => heard.push(value),
            end => panic!("{end:?} while waiting for {expected}; heard {heard:?}"),
        }
    }
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error} in {text}"))
}

/// What `$names` stood for so far.
#[derive(Clone, Default)]
struct Names(HashMap<String, String>);

impl Names {
    fn filled_in(&self, text: &str) -> String {
        let mut names: Vec<_> = self.0.iter().collect();
        // A name may begin with another one.
        names.sort_by_key(|(name, _)| std::cmp::Reverse(name.len()));
        names.into_iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    /// Whether everything expected is found; learns what new names stand for.
    fn match_up(&mut self, expected: &Value, found: &Value) -> bool {
        match (expected, found) {
            (Value::Object(expected), Value::Object(found)) => expected
                .iter()
                .all(|(key, value)| found.get(key).is_some_and(|found| self.match_up(value, found))),
            (Value::Array(expected), Value::Array(found)) => {
                expected.len() == found.len()
                    && expected.iter().zip(found).all(|(value, found)| self.match_up(value, found))
            }
            (Value::String(text), Value::String(_)) if text == ANYTHING => true,
            (Value::String(name), Value::String(found)) if name.starts_with('$') => {
                self.0.entry(name.clone()).or_insert_with(|| found.clone()) == found
            }
            _ => expected == found,
        }
    }
}
