//! The examples of docs/PROTOCOL.md, replayed against the real server, so that the document stays true.
//! Claims beyond them are the contract tests' business.

mod names;
mod stomp;

use awc::http::Method;
use serde_json::Value;

use crate::support::http::Http;
use crate::support::server::Server;
use crate::support::socket::{Heard, Socket};
use names::{Names, parsed};

const MANUAL: &str = include_str!("../../../docs/PROTOCOL.md");

#[actix_web::test]
async fn the_examples_of_the_manual_are_what_happens() {
    let server = Server::start().await;
    let mut names = Names::default();
    let mut replayed = [("http", 0), ("socket", 0), ("stomp", 0)];
    for (kind, example) in examples() {
        match kind {
            "http" => replay_calls(&Http::to(&server), example, &mut names).await,
            "socket" => replay_socket(&server, example, &mut names).await,
            "stomp" => stomp::replay(&server, example, &mut names).await,
            _ => continue,
        }
        replayed.iter_mut().filter(|(known, _)| *known == kind).for_each(|(_, count)| *count += 1);
    }
    for (kind, count) in replayed {
        assert!(count > 0, "docs/PROTOCOL.md has no examples of {kind}");
    }
}

/// The fenced blocks in their order, each with its kind.
fn examples() -> impl Iterator<Item = (&'static str, &'static str)> {
    let blocks = MANUAL.split("```").skip(1).step_by(2);
    blocks.filter_map(|block| block.split_once('\n'))
}

async fn replay_calls(http: &Http, example: &str, names: &mut Names) {
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

async fn replay_socket(server: &Server, example: &str, names: &mut Names) {
    let mut socket = Socket::open(server).await;
    let mut heard = Vec::new();
    for line in example.lines() {
        match line.split_at(2) {
            ("> ", request) => socket.tell_text(&names.filled_in(request)).await,
            (_, expected) => hear(&mut socket, &mut heard, expected, names).await,
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
