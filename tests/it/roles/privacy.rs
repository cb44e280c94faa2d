//! Private rooms: nobody but their members reads them, and nobody else knows of them.
//! How one becomes a member is in `invitations`.

use serde_json::{Value, json};

use super::stranger;
use crate::support::http::{Http, User, messages_of};
use crate::support::server::Server;
use crate::support::socket::Socket;
use crate::support::sse::{Events, Heard};
use crate::support::stomp::{Stomp, topic};

/// A private room of Ada's with Bob in it, and Eve who has no business there.
struct Den {
    server: Server,
    ada: User,
    bob: User,
    eve: User,
    owner: Http,
    member: Http,
    room: String,
}

impl Den {
    async fn open() -> Den {
        let server = Server::start().await;
        let http = Http::to(&server);
        let (ada, bob, eve) = (http.user("Ada").await, http.user("Bob").await, http.user("Eve").await);
        let (owner, member) = (http.acting_as(&ada), http.acting_as(&bob));
        let room = owner.private_room("den").await;
        owner.enter(&room).await;
        owner.put(&format!("/api/rooms/{room}/invitations/bob")).await.expect(204);
        member.enter(&room).await;
        owner.say(&room, "between us").await;
        Den { server, ada, bob, eve, owner, member, room }
    }

    fn path(&self, rest: &str) -> String {
        format!("/api/rooms/{}{rest}", self.room)
    }
}

#[actix_web::test]
async fn a_stranger_finds_nothing_of_a_private_room() {
    let den = Den::open().await;
    let mut watching = Socket::of(&den.server, &den.eve).await;
    watching.ask("watch", json!({ "what": "rooms" })).await;
    stranger::finds_nothing(&den.server, &den.eve, &den.room, "den", &den.bob).await;

    // The name is taken, and that is all that is said.
    let taken = Http::to(&den.server).acting_as(&den.eve).post("/api/rooms", json!({ "name": "DEN" })).await;
    assert!(taken.problem(409, "room_name_taken").get("room").is_none(), "{}", taken.text());
    let own = den.member.post("/api/rooms", json!({ "name": "den" })).await;
    assert_eq!(own.problem(409, "room_name_taken")["room"]["id"], den.room);

    den.member.delete(&den.path("/members/me")).await.expect(204);
    let public = Http::to(&den.server).acting_as(&den.ada).room("hall").await;
    let push = watching.push("room").await;
    assert_eq!(push["room"]["id"], public["id"], "a private room came to the live list: {push}");
}

#[actix_web::test]
async fn a_member_reads_a_private_room_over_every_surface() {
    let den = Den::open().await;
    let mut socket = Socket::of(&den.server, &den.bob).await;
    for name in [den.room.as_str(), "Den"] {
        let joined = socket.join_with(name, json!({ "last": 1 })).await;
        assert_eq!(joined["room"]["visibility"], "private");
        assert_eq!(socket.record().await["body"], "between us");
    }
    let mut stomp = Stomp::of(&den.server, &den.bob).await;
    stomp.subscribe("den", &den.room, &[("after", "3")]).await;
    assert_eq!(stomp.message("den").await.json()["content"], "between us");
    let mut events = Events::of(&den.server, &den.room, &den.bob).await;
    assert_eq!(events.event().await.data["room"]["id"], den.room);
    let said = den.owner.say(&den.room, "more").await;
    assert_eq!((socket.record().await, events.record().await), (said.clone(), said.clone()));
    assert_eq!(stomp.message("den").await.json()["content"], "more");
    assert_eq!(den.member.history(&den.room).await.last(), Some(&said));
    let polled = den.member.get(&format!("{}?after=4&wait=5", messages_of(&den.room))).await.expect(200);
    assert_eq!(polled["records"], json!([said]));
    assert_eq!(den.member.look_at(&den.room).await["members"], 2);
    assert_eq!(den.member.get(&den.path("/members")).await.expect(200)["members"][1]["id"], den.bob.id);
    let found = den.member.get("/api/rooms?name=den").await.expect(200);
    assert_eq!(found["rooms"][0]["id"], den.room);
    den.member.with_token("bad").get(&den.path("")).await.problem(401, "unauthenticated");
    den.member.with_token("bad").get("/api/rooms").await.problem(401, "unauthenticated");
}

#[actix_web::test]
async fn who_is_no_member_any_more_hears_nothing_more_of_a_private_room() {
    for how in ["kick", "leave", "ban"] {
        let den = Den::open().await;
        let mut socket = Socket::of(&den.server, &den.bob).await;
        socket.join(&den.room).await;
        let mut stomp = Stomp::of(&den.server, &den.bob).await;
        stomp.listen_for_errors().await;
        stomp.subscribe("den", &den.room, &[]).await;
        let mut events = Events::of(&den.server, &den.room, &den.bob).await;
        events.event().await;
        let head = den.owner.look_at(&den.room).await["head"]["seq"].clone();
        let poll = {
            let (http, path) =
                (den.member.clone(), format!("{}?after={head}&wait=60", messages_of(&den.room)));
            actix_web::rt::spawn(async move { http.get(&path).await })
        };
        let code = match how {
            "kick" => {
                den.owner.delete(&den.path(&format!("/members/{}", den.bob.id))).await.expect(204);
                "not_a_member"
            }
            "ban" => {
                den.owner.put(&den.path(&format!("/bans/{}", den.bob.id))).await.expect(204);
                "banned"
            }
            _ => {
                den.member.delete(&den.path("/members/me")).await.expect(204);
                "not_a_member"
            }
        };
        den.owner.say(&den.room, "secret").await;
        assert_eq!(socket.push("parted").await["code"], code, "{how}");
        let mut heard = Vec::new();
        loop {
            match events.hear().await {
                Heard::Event(event) => heard.push(event),
                Heard::Comment => {}
                Heard::End => break,
            }
        }
        assert_eq!(heard.last().unwrap().name, "parted", "{how}: {heard:?}");
        assert!(!format!("{heard:?}").contains("secret"), "{how}: {heard:?}");
        let polled = poll.await.unwrap();
        assert!(!polled.text().contains("secret"), "{how}: {}", polled.text());
        let receipt =
            stomp.ask("SUBSCRIBE", &[("id", "again"), ("destination", &topic(&den.room))], "").await;
        let again = if how == "ban" { "banned" } else { "room_not_found" };
        stomp.problem(again, &receipt).await;
        let leaked = stomp.waiting().any(|frame| format!("{frame:?}").contains("secret"));
        assert!(!leaked, "{how}: a STOMP subscription went on");
        let leaked = |push: &Value| push.to_string().contains("secret");
        assert!(!socket.waiting_pushes().any(leaked), "{how}: a socket's subscription went on");
        let status = if how == "ban" { 403 } else { 404 };
        den.member.get(&messages_of(&den.room)).await.problem(status, again);
    }
}

#[actix_web::test]
async fn visibility_is_public_or_private_and_for_ever() {
    let server = Server::start().await;
    let ada = Http::to(&server).user("Ada").await;
    let http = Http::to(&server).acting_as(&ada);
    for (visibility, shown) in
        [(Value::Null, "public"), (json!("public"), "public"), (json!("private"), "private")]
    {
        let body = json!({ "name": format!("room {visibility}"), "visibility": visibility });
        assert_eq!(http.post("/api/rooms", body).await.expect(201)["visibility"], shown);
    }
    for bad in [json!("direct"), json!("secret"), json!(1)] {
        http.post("/api/rooms", json!({ "name": "x", "visibility": bad })).await.invalid("visibility");
    }
}
