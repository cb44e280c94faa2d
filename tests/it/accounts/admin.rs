//! Admins of the server: how the first one comes to be, and what they do to users.
//! That a ban reaches the other node is in `kafka::sessions`.

use std::io::Write;
use std::process::{Output, Stdio};
use std::time::Duration;

use awc::http::Method;
use serde_json::{Value, json};

use super::{PASSWORD, acting_in, log_in, plan, refresh, sign_up};
use crate::support::http::{Answer, Http, id_of, text};
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;

/// Runs `klatsch admin create` beside a server, with a password on its standard input.
pub(crate) fn create_admin(server: &Server, arguments: &[&str], password: &str) -> Output {
    let mut command = server.tool(&[&["admin", "create"], arguments].concat());
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    writeln!(child.stdin.take().unwrap(), "{password}").unwrap();
    child.wait_with_output().unwrap()
}

/// A server with an admin called root, and the admin's session.
async fn with_admin(plan: Plan) -> (Server, Http, Http) {
    let server = plan.start().await;
    let made = create_admin(&server, &["--login", "root"], PASSWORD);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let http = Http::to(&server);
    let session = log_in(&http, "root").await;
    let admin = acting_in(&http, &session);
    (server, http, admin)
}

async fn ban(http: &Http, user: &Value, body: Value) -> Answer {
    let path = format!("/api/users/{}/ban", text(user));
    http.call(Method::PUT, &path).json(&body).answer().await
}

async fn set_role(http: &Http, user: &Value, role: &str) -> Answer {
    let path = format!("/api/users/{}/role", text(user));
    http.call(Method::PUT, &path).json(&json!({ "role": role })).answer().await
}

#[actix_web::test]
async fn the_first_admin_is_made_on_the_command_line() {
    let (server, _, admin) = with_admin(plan()).await;
    let me = admin.get("/api/users/me").await.expect(200);
    assert_eq!(
        (&me["role"], &me["nickname"], &me["login"]),
        (&json!("admin"), &json!("root"), &json!("root"))
    );
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "another horse battery\n").unwrap();
    let path = file.path().display().to_string();
    let second =
        ["--login", "ops", "--nickname", "Operator", "--email", "ops@example.org", "--password-file", &path];
    assert!(create_admin(&server, &second, "").status.success());
    for (arguments, password, why) in [
        (&["--login", "root", "--nickname", "x"][..], PASSWORD, "login"),
        (&["--login", "x", "--nickname", "ROOT"], PASSWORD, "nickname"),
        (&["--login", "x", "--nickname", "x"], "password", "password"),
        (&["--login", "a b", "--nickname", "x"], PASSWORD, "login"),
        (&["--login", "x", "--password-file", "no/such/file"], PASSWORD, "no/such/file"),
    ] {
        let refused = create_admin(&server, arguments, password);
        let told = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(!refused.status.success() && told.contains(why), "{arguments:?}: {told}");
        assert!(!told.contains(PASSWORD), "{told}");
    }
}

#[actix_web::test]
async fn a_banned_user_is_out_and_told_why_until_the_ban_is_over() {
    let (server, http, admin) = with_admin(plan()).await;
    let session = sign_up(&http, "ada").await;
    let guest = http.user("Guest").await;
    let ada = acting_in(&http, &session);
    let mut sockets = [Socket::open(&server).await, Socket::of(&server, &guest).await];
    sockets[0].ask("connect", json!({ "token": session["access_token"] })).await;

    assert_eq!(
        ban(&admin, &session["user"]["id"], json!({ "seconds": 2, "reason": "spam" })).await.status,
        204
    );
    assert_eq!(ban(&admin, &json!(guest.id), json!({})).await.status, 204);
    for socket in &mut sockets {
        socket.is_closed_with(4501).await;
    }
    for refused in [
        ada.get("/api/users/me").await,
        refresh(&http, &session).await,
        http.post("/api/sessions", json!({ "login": "ada", "password": PASSWORD })).await,
    ] {
        let problem = refused.problem(403, "banned");
        assert!(text(&problem["detail"]).contains("spam"), "{problem}");
    }
    http.acting_as(&guest).get("/api/users/me").await.problem(403, "banned");
    let mut socket = Socket::open(&server).await;
    let refused = socket.ask("connect", json!({ "token": session["access_token"] })).await;
    assert_eq!(refused["code"], "banned", "{refused}");
    socket.is_closed_with(4501).await;

    tokio::time::sleep(Duration::from_millis(2_100)).await;
    ada.get("/api/users/me").await.expect(200);
    refresh(&http, &session).await.expect(200);
    http.acting_as(&guest).get("/api/users/me").await.problem(403, "banned");
    assert_eq!(admin.delete(&format!("/api/users/{}/ban", guest.id)).await.status, 204);
    http.acting_as(&guest).get("/api/users/me").await.expect(200);
}

#[actix_web::test]
async fn only_admins_ban_and_give_roles() {
    let (_server, http, admin) = with_admin(plan()).await;
    let (ada, bob) = (sign_up(&http, "ada").await, sign_up(&http, "bob").await);
    let guest = http.user("Guest").await;
    let (ada_id, root) = (&ada["user"]["id"], &admin.get("/api/users/me").await.expect(200)["id"]);
    for nobody in [acting_in(&http, &bob), http.acting_as(&guest)] {
        ban(&nobody, ada_id, json!({})).await.problem(403, "forbidden");
        set_role(&nobody, &bob["user"]["id"], "admin").await.problem(403, "forbidden");
        nobody.delete(&format!("/api/users/{}/ban", text(ada_id))).await.problem(403, "forbidden");
    }
    http.delete(&format!("/api/users/{}/ban", text(ada_id))).await.problem(401, "unauthenticated");
    ban(&admin, &json!("nobody"), json!({})).await.problem(404, "user_not_found");
    ban(&admin, root, json!({})).await.problem(403, "forbidden");
    ban(&admin, ada_id, json!({ "seconds": 0 })).await.invalid("seconds");
    ban(&admin, ada_id, json!({ "reason": "x".repeat(201) })).await.invalid("reason");
    set_role(&admin, ada_id, "guest").await.invalid("role");
    set_role(&admin, root, "user").await.problem(403, "forbidden");
    set_role(&admin, &json!(guest.id), "admin").await.problem(403, "forbidden");
    set_role(&admin, &json!("nobody"), "admin").await.problem(404, "user_not_found");

    // It is so at once, with the token of before.
    assert_eq!(set_role(&admin, ada_id, "admin").await.status, 204);
    let ada = acting_in(&http, &ada);
    assert_eq!(ada.get("/api/users/me").await.expect(200)["role"], "admin");
    assert_eq!(ban(&ada, &bob["user"]["id"], json!({})).await.status, 204);
    assert_eq!(set_role(&admin, ada_id, "user").await.status, 204);
    ban(&ada, &bob["user"]["id"], json!({})).await.problem(403, "forbidden");
}

#[actix_web::test]
async fn a_guest_whom_nobody_saw_for_long_gives_the_nickname_back() {
    let server = plan().set("auth.guest_idle_s", 4).start().await;
    let http = Http::to(&server);
    let made = http.post("/api/users", json!({ "nickname": "Ada", "secret": "a secret of one's own" })).await;
    let idle = crate::support::http::user_from(&made.expect(201));
    let (present, calls) = (http.user("Present").await, http.user("Calls").await);
    let room = id_of(&http.acting_as(&idle).room("hall").await);
    http.acting_as(&idle).enter(&room).await;
    http.acting_as(&idle).say(&room, "hello").await;
    let mut socket = Socket::of(&server, &present).await;
    let account = sign_up(&http, "dora").await;
    for _ in 0..9 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        http.acting_as(&calls).get("/api/users/me").await.expect(200);
    }
    http.acting_as(&idle).get("/api/users/me").await.problem(401, "unauthenticated");
    let secret = json!({ "nickname": "Ada", "secret": "a secret of one's own" });
    let new = http.post("/api/users", secret).await.expect(201);
    assert_ne!(new["user"]["id"], json!(idle.id), "it is somebody else now");
    let said = http.history(&room).await;
    assert_eq!(said.last().unwrap()["sender"], idle.shown(), "what they said stays theirs");
    assert_eq!(socket.ask("ping", json!({})).await["type"], "pong", "who is connected is there");
    for taken in ["Present", "Calls", "dora"] {
        http.post("/api/users", json!({ "nickname": taken })).await.problem(409, "nickname_taken");
    }
    refresh(&http, &account).await.expect(200);
}
