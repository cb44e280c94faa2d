//! CONNECT: who the client is, what CONNECTED tells, and who is turned away.
//! Clients that name themselves only later are in `anonymous`.

use super::Hall;
use crate::support::http::{Http, text};
use crate::support::stomp::Stomp;

const SECRET: &str = "a-secret-of-mine-24-long";

#[actix_web::test]
async fn connected_says_who_and_where() {
    let hall = Hall::open().await;
    for version in ["1.1", "1.2"] {
        let mut stomp = Stomp::open(&hall.server).await;
        let connected = stomp.connect(version, &[("passcode", &hall.ada.token)]).await;
        assert_eq!((connected.header("user-name"), connected.header("user-id")), ("Ada", &*hall.ada.id));
        assert_eq!(connected.header("heart-beat"), "10000,10000");
        assert!(connected.header("server").starts_with("klatsch/"), "{connected:?}");
        assert!(!connected.header("session").is_empty(), "{connected:?}");
        assert_eq!(connected.find("token"), None, "no token was made");
    }
}

#[actix_web::test]
async fn a_login_makes_a_guest_whose_token_is_good_everywhere() {
    let hall = Hall::open().await;
    let mut stomp = Stomp::open(&hall.server).await;
    let connected = stomp.connect("1.2", &[("login", "Bob")]).await;
    assert_eq!(connected.header("user-name"), "Bob");
    let token = connected.header("token").to_owned();
    let bearer = format!("Bearer {token}");
    for how in [
        [("passcode", &*token), ("login", "")],
        [("passcode", &token), ("login", "Bob")],
        // A token says who it is, whatever stands beside it.
        [("passcode", &token), ("login", "Somebody")],
        [("Authorization", &bearer), ("login", "Somebody")],
        [("authorization", &bearer), ("passcode", "nonsense")],
    ] {
        let again = Stomp::open(&hall.server).await.connect("1.2", &how).await;
        assert_eq!(again.header("user-id"), connected.header("user-id"), "{how:?}");
    }
    let me = Http::to(&hall.server).with_token(&token).get("/api/users/me").await.expect(200);
    assert_eq!(text(&me["id"]), connected.header("user-id"));
}

/// What a client with fixed connect headers does after every cut.
#[actix_web::test]
async fn a_login_with_a_secret_is_the_same_user_after_every_reconnect() {
    let mut hall = Hall::open().await;
    let fixed = [("login", "Bob"), ("passcode", SECRET)];
    let first = Stomp::open(&hall.server).await.connect("1.2", &fixed).await;
    for _ in 0..2 {
        let again = Stomp::open(&hall.server).await.connect("1.1,1.2", &fixed).await;
        assert_eq!(again.header("user-id"), first.header("user-id"));
        hall.server.kill();
        hall.server.restart().await;
    }
    let mut thief = Stomp::open(&hall.server).await;
    thief.is_refused(&[("login", "Bob"), ("passcode", "another-secret-of-24")], "nickname_taken", 4500).await;
}

#[actix_web::test]
async fn who_cannot_be_who_they_say_gets_an_error_and_is_closed() {
    let hall = Hall::open().await;
    let long = "x".repeat(33);
    for (headers, code) in [
        (vec![("login", "ada")], "nickname_taken"),
        (vec![("login", &*long)], "invalid"),
        (vec![("login", " ")], "invalid"),
        (vec![("login", "Bob"), ("passcode", "short")], "invalid"),
        (vec![("passcode", "no token")], "unauthenticated"),
        (vec![("Authorization", "Bearer nonsense")], "unauthenticated"),
        (vec![("Authorization", "Basic QWRhOg==")], "unauthenticated"),
        (vec![], "unauthenticated"),
    ] {
        let mut stomp = Stomp::open(&hall.server).await;
        let error = stomp.is_refused(&headers, code, 4500).await;
        assert_eq!(error.json()["code"], code, "{headers:?}");
    }
}

#[actix_web::test]
async fn the_first_frame_must_be_connect_and_none_later() {
    let hall = Hall::open().await;
    for frame in ["SEND\ndestination:/x\n\n{}\0", "SUBSCRIBE\nid:0\ndestination:/x\n\n\0", "DISCONNECT\n\n\0"]
    {
        let mut stomp = Stomp::open(&hall.server).await;
        stomp.tell(frame).await;
        stomp.ends_with("malformed", 4502).await;
    }
    for command in ["CONNECT", "STOMP"] {
        let mut stomp = hall.stomp().await;
        stomp.send(command, &[("accept-version", "1.2"), ("login", "Bob")], "").await;
        stomp.ends_with("malformed", 4502).await;
    }
}

/// What comes after a CONNECT that is refused, in the same breath, is not done.
#[actix_web::test]
async fn nothing_is_done_for_a_client_that_is_turned_away() {
    let hall = Hall::open().await;
    let mut stomp = Stomp::open(&hall.server).await;
    let send =
        format!("SEND\ndestination:/app/chat/send/{}\nreceipt:r\n\n{{\"content\":\"x\"}}\0", hall.room);
    stomp.tell(&format!("CONNECT\naccept-version:1.2\nlogin:Ada\n\n\0{send}{send}")).await;
    stomp.ends_with("nickname_taken", 4500).await;
    assert_eq!(stomp.waiting().count(), 0);
    assert_eq!(hall.said().await, [""; 0]);
}

#[actix_web::test]
async fn commands_in_the_same_breath_as_connect_are_heard_after_it() {
    let hall = Hall::open().await;
    let mut stomp = Stomp::open(&hall.server).await;
    let send =
        format!("SEND\ndestination:/app/chat/send/{}\nreceipt:r\n\n{{\"content\":\"x\"}}\0", hall.room);
    stomp.tell(&format!("CONNECT\naccept-version:1.2\npasscode:{}\n\n\0{send}", hall.ada.token)).await;
    stomp.connected().await;
    stomp.receipt("r").await;
    assert_eq!(hall.said().await, ["x"]);
}
