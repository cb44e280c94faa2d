//! Passwords: which are refused, how guessing is slowed down, what a change of one ends.
//! Hashes are tested beside the code that makes them.

use std::time::{Duration, Instant};

use awc::http::Method;
use serde_json::{Value, json};

use super::{PASSWORD, acting_in, log_in, plan, refresh, sign_up};
use crate::support::http::{Answer, Http};
use crate::support::server::Plan;

async fn try_to_log_in(http: &Http, login: &str, password: &str) -> Answer {
    http.post("/api/sessions", json!({ "login": login, "password": password })).await
}

#[actix_web::test]
async fn short_and_common_passwords_are_refused() {
    let server = plan().set("auth.password_chars", 10).start().await;
    let http = Http::to(&server);
    for weak in ["", "nine char", "1234567890", "PASSWORD123", "ada@example.org", "Ada Lovelace"] {
        let body = json!({ "login": "ada@example.org", "password": weak, "nickname": "Ada Lovelace" });
        http.post("/api/accounts", body).await.invalid("password");
    }
    let body = json!({ "login": "ada@example.org", "password": "ten charss", "nickname": "Ada Lovelace" });
    let session = http.post("/api/accounts", body).await.expect(201);
    let change = json!({ "password": "ten charss", "new_password": "1234567890" });
    let call = acting_in(&http, &session).call(Method::PUT, "/api/users/me/password").json(&change);
    call.answer().await.invalid("new_password");
}

/// A problem without what may differ from answer to answer.
fn same(problem: &Value) -> String {
    problem.to_string()
}

#[actix_web::test]
async fn an_unknown_login_and_a_wrong_password_get_the_same_answer_in_the_same_time() {
    // What a hash costs here is far above everything else.
    let slow = Plan::default().set("auth.password_memory_kib", 65_536).set("auth.password_passes", 2);
    let server = slow.set("auth.free_attempts", 1000).start().await;
    let http = Http::to(&server);
    sign_up(&http, "ada").await;
    let mut times = [Vec::new(), Vec::new()];
    let mut answers = [String::new(), String::new()];
    for round in 0..10 {
        for (which, login) in ["ada", "nobody"].into_iter().enumerate() {
            let begin = Instant::now();
            let answer = try_to_log_in(&http, login, &format!("a wrong password {round}")).await;
            times[which].push(begin.elapsed());
            answers[which] = same(&answer.problem(401, "bad_credentials"));
        }
    }
    assert_eq!(answers[0], answers[1]);
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    assert!(known > Duration::from_millis(20), "the hash costs too little to be compared: {known:?}");
    let ratio = known.as_secs_f64() / unknown.as_secs_f64();
    assert!((0.6..1.7).contains(&ratio), "{known:?} for a known login, {unknown:?} for an unknown one");
    for odd in ["nul\0", "a b", &"x".repeat(300)] {
        try_to_log_in(&http, odd, "whatever it is").await.problem(401, "bad_credentials");
        try_to_log_in(&http, "ada", odd).await.problem(401, "bad_credentials");
    }
}

#[actix_web::test]
async fn guessing_is_slowed_down_and_nobody_is_locked_out_for_ever() {
    let server = plan().set("auth.free_attempts", 3).set("auth.longest_wait_s", 1).start().await;
    let http = Http::to(&server);
    sign_up(&http, "ada").await;
    sign_up(&http, "bob").await;
    for login in ["ada", "nobody"] {
        for _ in 0..3 {
            try_to_log_in(&http, login, "a wrong password").await.problem(401, "bad_credentials");
        }
        let refused = try_to_log_in(&http, login, PASSWORD).await;
        let problem = refused.problem(429, "rate_limited");
        let wait = problem["retry_after_ms"].as_u64().unwrap();
        assert!((1..=1000).contains(&wait), "{problem}");
        assert_eq!(refused.header("retry-after"), "1");
        tokio::time::sleep(Duration::from_millis(wait + 10)).await;
        let status = try_to_log_in(&http, login, PASSWORD).await.status;
        assert_eq!(status, if login == "ada" { 201 } else { 401 });
    }
    // The one that succeeded forgot those before it.
    try_to_log_in(&http, "ada", "a wrong password").await.problem(401, "bad_credentials");
    log_in(&http, "ada").await;
    log_in(&http, "bob").await;
}

#[actix_web::test]
async fn many_guesses_at_once_count_like_one_after_the_other() {
    let server = plan().set("auth.free_attempts", 3).start().await;
    let http = Http::to(&server);
    sign_up(&http, "ada").await;
    let guesses = (0..20).map(|_| try_to_log_in(&http, "ada", "a wrong password"));
    let answers = futures_util::future::join_all(guesses).await;
    let tried = answers.iter().filter(|answer| answer.status == 401).count();
    assert_eq!(tried, 3);
    assert!(answers.iter().all(|answer| [401, 429].contains(&answer.status)));
}

#[actix_web::test]
async fn a_change_of_password_ends_all_other_sessions() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let own = sign_up(&http, "ada").await;
    let others = [log_in(&http, "ada").await, log_in(&http, "ada").await];
    let own_http = acting_in(&http, &own);
    let change = |from: &str, to: &str| {
        let body = json!({ "password": from, "new_password": to });
        own_http.call(Method::PUT, "/api/users/me/password").json(&body).answer()
    };
    change("not the password", "another horse battery").await.problem(401, "bad_credentials");
    refresh(&http, &others[0]).await.expect(200);
    assert_eq!(change(PASSWORD, "another horse battery").await.status, 204);
    refresh(&http, &own).await.expect(200);
    for other in &others {
        refresh(&http, other).await.problem(401, "unauthenticated");
    }
    let sessions = own_http.get("/api/sessions").await.expect(200);
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "{sessions}");
    try_to_log_in(&http, "ada", PASSWORD).await.problem(401, "bad_credentials");
    try_to_log_in(&http, "ada", "another horse battery").await.expect(201);
    let guest = http.user("Guest").await;
    let body = json!({ "password": PASSWORD, "new_password": "another horse battery" });
    let call = http.acting_as(&guest).call(Method::PUT, "/api/users/me/password").json(&body);
    call.answer().await.problem(403, "forbidden");
}

#[actix_web::test]
async fn hashes_are_made_anew_when_the_settings_have_changed() {
    let folder = tempfile::TempDir::new().unwrap();
    let on = |passes: u32| plan().on_sqlite().in_folder(folder.path()).set("auth.password_passes", passes);
    let stored = || {
        let mut bytes = Vec::new();
        for file in std::fs::read_dir(folder.path()).unwrap() {
            bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    let mut server = on(1).start().await;
    sign_up(&Http::to(&server), "ada").await;
    assert!(stored().contains("$argon2id$v=19$m=8,t=1,p=1$"));
    assert!(server.terminate().await.success());
    let server = on(2).start().await;
    log_in(&Http::to(&server), "ada").await;
    log_in(&Http::to(&server), "ada").await;
    assert!(stored().contains("$argon2id$v=19$m=8,t=2,p=1$"), "the hash is what it was");
    assert!(!stored().contains(PASSWORD) && !server.log().contains(PASSWORD));
}
