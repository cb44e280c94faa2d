//! Sessions over two nodes: what ends on one ends on the other within a second, and a stolen token is found out on either.
//! What one node does by itself is in `accounts`.

use std::time::{Duration, Instant};

use awc::http::Method;
use serde_json::{Value, json};

use crate::accounts::create_admin;
use crate::support::cluster::{Cluster, on_kafka};
use crate::support::http::{Answer, Http, id_of, text};
use crate::support::server::{Plan, Server};
use crate::support::socket::Socket;
use crate::support::{kafka, postgres};

const PASSWORD: &str = "correct horse battery";

/// What must be in force everywhere by then, with what a busy machine may add.
const SOON: Duration = Duration::from_millis(1_500);

/// Two nodes whose refresh tokens may not be used twice, ever.
async fn two_nodes(test: &str) -> Option<Cluster> {
    let (kafka, prefix) = kafka::shared(test)?;
    let database = postgres::database(test)?;
    let plan = |_: usize, plan: Plan| {
        plan.set("auth.refresh_grace_s", 0).set("auth.password_memory_kib", 8).set("auth.password_passes", 1)
    };
    let cluster = Cluster::start(2, &kafka.bootstrap(), &prefix, &database, plan).await;
    Some(cluster)
}

fn nodes(cluster: &Cluster) -> [Http; 2] {
    [&cluster.nodes[0], &cluster.nodes[1]].map(Http::to)
}

async fn sign_up(http: &Http, login: &str) -> Value {
    let body = json!({ "login": login, "password": PASSWORD, "nickname": login });
    http.post("/api/accounts", body).await.expect(201)
}

async fn log_in(http: &Http, login: &str) -> Value {
    http.post("/api/sessions", json!({ "login": login, "password": PASSWORD })).await.expect(201)
}

async fn refresh(http: &Http, session: &Value) -> Answer {
    http.post("/api/sessions/refresh", json!({ "refresh_token": session["refresh_token"] })).await
}

fn acting_in(http: &Http, session: &Value) -> Http {
    http.with_token(&text(&session["access_token"]))
}

async fn socket_in(server: &Server, session: &Value) -> Socket {
    let mut socket = Socket::open(server).await;
    let connected = socket.ask("connect", json!({ "token": session["access_token"] })).await;
    assert_eq!(connected["type"], "connected", "{connected}");
    socket
}

/// Waits for the close, which must come soon.
async fn is_soon_closed(socket: &mut Socket, code: u16, since: Instant) {
    socket.is_closed_with(code).await;
    assert!(since.elapsed() < SOON, "closed only after {:?}", since.elapsed());
}

#[actix_web::test]
async fn a_stolen_refresh_token_is_found_out_in_both_orders_on_either_node() {
    let Some(cluster) = two_nodes("stolen refresh tokens").await else { return };
    let [one, two] = nodes(&cluster);
    // The owner goes on at one node, then the thief comes to the other.
    let stolen = sign_up(&one, "ada").await;
    let mut socket = socket_in(&cluster.nodes[0], &stolen).await;
    let owners = refresh(&one, &stolen).await.expect(200);
    tokio::time::sleep(Duration::from_millis(5)).await;
    let since = Instant::now();
    refresh(&two, &stolen).await.problem(401, "unauthenticated");
    is_soon_closed(&mut socket, 4500, since).await;
    refresh(&one, &owners).await.problem(401, "unauthenticated");
    acting_in(&one, &owners).get("/api/users/me").await.problem(401, "unauthenticated");

    // The thief is first, at one node, and goes on for a while; then the owner comes to the other.
    let owners = log_in(&two, "ada").await;
    let mut thiefs = refresh(&one, &owners).await.expect(200);
    for node in [&two, &one] {
        thiefs = refresh(node, &thiefs).await.expect(200);
    }
    let mut socket = socket_in(&cluster.nodes[1], &thiefs).await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    let since = Instant::now();
    refresh(&one, &owners).await.problem(401, "unauthenticated");
    is_soon_closed(&mut socket, 4500, since).await;
    refresh(&two, &thiefs).await.problem(401, "unauthenticated");
    for node in &cluster.nodes {
        assert!(node.log().contains("was used again"), "{}", node.log());
    }
}

#[actix_web::test]
async fn a_logout_on_one_node_is_in_force_on_the_other_within_a_second() {
    let Some(cluster) = two_nodes("logouts").await else { return };
    let [one, two] = nodes(&cluster);
    let (session, other) = (sign_up(&one, "ada").await, log_in(&two, "ada").await);
    let mut sockets =
        [socket_in(&cluster.nodes[0], &session).await, socket_in(&cluster.nodes[1], &session).await];
    let mut stays = socket_in(&cluster.nodes[1], &other).await;
    // It is good on the other node before, and not after.
    acting_in(&two, &session).get("/api/users/me").await.expect(200);
    let since = Instant::now();
    assert_eq!(acting_in(&one, &session).delete("/api/sessions/current").await.status, 204);
    acting_in(&one, &session).get("/api/users/me").await.problem(401, "unauthenticated");
    for socket in &mut sockets {
        is_soon_closed(socket, 4500, since).await;
    }
    acting_in(&two, &session).get("/api/users/me").await.problem(401, "unauthenticated");
    assert_eq!(stays.ask("ping", json!({})).await["type"], "pong");

    // Ending it from elsewhere, by its name in the list, is the same.
    let since = Instant::now();
    let third = log_in(&one, "ada").await;
    let path = format!("/api/sessions/{}", text(&other["session"]));
    assert_eq!(acting_in(&one, &third).delete(&path).await.status, 204);
    is_soon_closed(&mut stays, 4500, since).await;
}

#[actix_web::test]
async fn a_change_of_password_closes_the_other_sessions_on_every_node() {
    let Some(cluster) = two_nodes("changes of passwords").await else { return };
    let [one, two] = nodes(&cluster);
    let (own, other) = (sign_up(&one, "ada").await, log_in(&two, "ada").await);
    let mut stays = socket_in(&cluster.nodes[1], &own).await;
    let mut goes = socket_in(&cluster.nodes[1], &other).await;
    let since = Instant::now();
    let body = json!({ "password": PASSWORD, "new_password": "another horse battery" });
    let call = acting_in(&one, &own).call(Method::PUT, "/api/users/me/password").json(&body);
    assert_eq!(call.answer().await.status, 204);
    is_soon_closed(&mut goes, 4500, since).await;
    assert_eq!(stays.ask("ping", json!({})).await["type"], "pong");
    refresh(&two, &own).await.expect(200);
}

#[actix_web::test]
async fn a_ban_on_one_node_is_in_force_on_the_other_within_a_second() {
    let Some(cluster) = two_nodes("bans").await else { return };
    let [one, two] = nodes(&cluster);
    let made = create_admin(&cluster.nodes[0], &["--login", "root"], PASSWORD);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let admin = acting_in(&one, &log_in(&two, "root").await);
    let (session, guest) = (sign_up(&one, "ada").await, two.user("Guest").await);
    let mut socket = socket_in(&cluster.nodes[1], &session).await;
    let mut guests = Socket::of(&cluster.nodes[1], &guest).await;
    for (user, socket) in [(text(&session["user"]["id"]), &mut socket), (guest.id.clone(), &mut guests)] {
        let path = format!("/api/users/{user}/ban");
        let since = Instant::now();
        let call = admin.call(Method::PUT, &path).json(&json!({ "reason": "spam" }));
        assert_eq!(call.answer().await.status, 204);
        is_soon_closed(socket, 4501, since).await;
    }
    acting_in(&two, &session).get("/api/users/me").await.problem(403, "banned");
    refresh(&two, &session).await.problem(403, "banned");
    two.acting_as(&guest).get("/api/users/me").await.problem(403, "banned");

    let path = format!("/api/users/{}/ban", text(&session["user"]["id"]));
    assert_eq!(admin.delete(&path).await.status, 204);
    tokio::time::sleep(Duration::from_secs(1)).await;
    acting_in(&two, &session).get("/api/users/me").await.expect(200);
}

/// A token that was signed before says how its owner was called then; what they do is done under their name of now.
#[actix_web::test]
async fn a_new_nickname_is_known_on_the_other_node_within_a_second() {
    let Some(cluster) = two_nodes("nicknames").await else { return };
    let [one, two] = nodes(&cluster);
    let session = sign_up(&one, "ada").await;
    let room = id_of(&acting_in(&one, &session).room("hall").await);
    acting_in(&one, &session).enter(&room).await;
    let body = json!({ "nickname": "Countess" });
    acting_in(&one, &session).call(Method::PATCH, "/api/users/me").json(&body).answer().await.expect(200);
    tokio::time::sleep(Duration::from_secs(1)).await;
    for node in [&one, &two] {
        let said = acting_in(node, &session).say(&room, "hello").await;
        assert_eq!(said["sender"]["nickname"], "Countess");
    }
}

/// A node that begins knows what was ended before it did.
#[actix_web::test]
async fn a_node_that_begins_believes_no_token_of_a_session_that_has_ended() {
    let (Some((kafka, prefix)), Some(database)) =
        (kafka::shared("late nodes"), postgres::database("late nodes"))
    else {
        return;
    };
    let plan =
        |node: &str| on_kafka(Plan::default().set("node.id", node), &kafka.bootstrap(), &prefix, &database);
    let first = plan("first").start().await;
    let (ended, lasts) = {
        let http = Http::to(&first);
        let ended = sign_up(&http, "ada").await;
        let lasts = log_in(&http, "ada").await;
        assert_eq!(acting_in(&http, &ended).delete("/api/sessions/current").await.status, 204);
        (ended, lasts)
    };
    let second = plan("second").start().await;
    let http = Http::to(&second);
    acting_in(&http, &ended).get("/api/users/me").await.problem(401, "unauthenticated");
    acting_in(&http, &lasts).get("/api/users/me").await.expect(200);
}
