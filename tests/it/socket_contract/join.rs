//! Joining: what is shown of the past, and the position that cannot be honoured (D3).
//! Long pasts and many reconnects are in `resume`.

use serde_json::{Value, json};

use super::{epoch_of, hall, hall_with_records, next_is, position};
use crate::support::http::{Http, seqs, text, user_from};
use crate::support::socket::Socket;

#[actix_web::test]
async fn a_room_is_joined_by_id_or_by_name() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    for name in [room.as_str(), "The Hall", "the hall", " THE   hall "] {
        let joined = socket.join(name).await;
        assert_eq!(joined["room"], http.look_at(&room).await);
        assert_eq!(joined["position"], joined["room"]["head"]);
        assert_eq!(joined["position"]["seq"], 1, "joining again makes no record");
        assert!(joined.get("recovered").is_none_or(Value::is_null), "{joined}");
        assert!(joined.get("missing").is_none_or(Value::is_null), "{joined}");
    }
    assert_eq!(http.look_at(&room).await["members"], 1);
}

#[actix_web::test]
async fn a_plain_join_shows_nothing_old_and_everything_new() {
    let (server, http, _, room) = hall_with_records(5).await;
    let (mut bob, user) = Socket::guest(&server, "Bob").await;
    let joined = bob.join(&room).await;
    assert_eq!(joined["position"]["seq"], 6, "the join's own record included");
    let ack = bob.say(&room, "hello").await;
    assert_eq!(ack["seq"], 7);
    let record = bob.record().await;
    assert_eq!(record["sender"], user.shown());
    assert_eq!(
        (&record["seq"], &record["kind"], &record["body"]),
        (&json!(7), &json!("message"), &json!("hello"))
    );
    assert_eq!((&record["at"], &record["room"]), (&ack["at"], &json!(room)));
    assert_eq!(http.history(&room).await[6], record);
}

/// D3, in its small cases.
#[actix_web::test]
async fn after_and_last_choose_what_is_shown_of_the_past() {
    let (server, _, ada, room) = hall_with_records(10).await;
    let mut socket = Socket::of(&server, &ada).await;
    let epoch = epoch_of(&socket.join(&room).await);
    let after = |seq| json!({ "after": position(&epoch, seq) });
    let last = |n: u64| json!({ "last": n });
    let cases: [(Value, &[u64]); 8] = [
        (after(0), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (after(7), &[8, 9, 10]),
        (after(9), &[10]),
        (after(10), &[]),
        (last(3), &[8, 9, 10]),
        (last(10), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (last(50), &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        (last(1), &[10]),
    ];
    let mut readers = Vec::new();
    for (how, wanted) in cases {
        let mut reader = Socket::of(&server, &ada).await;
        let joined = reader.join_with(&room, how.clone()).await;
        assert_eq!(joined["position"], position(&epoch, 10));
        if how.get("after").is_some() {
            assert_eq!(joined["recovered"], true, "{how}: {joined}");
        }
        assert!(joined.get("missing").is_none_or(Value::is_null), "{how}: {joined}");
        assert_eq!(seqs(&reader.records(wanted.len()).await), wanted, "{how}");
        readers.push(reader);
    }
    let marker = socket.say(&room, "marker").await;
    for reader in &mut readers {
        next_is(reader, &marker).await;
    }
}

/// D3: never part of a gap.
#[actix_web::test]
async fn a_position_that_cannot_be_honoured_is_said_so() {
    let (server, _, ada, room) = hall_with_records(10).await;
    let mut socket = Socket::of(&server, &ada).await;
    let epoch = epoch_of(&socket.join(&room).await);
    let mut readers = Vec::new();
    for lost in [position("other", 3), position("other", 0), position(&epoch, 11), position(&epoch, 9999)] {
        let mut reader = Socket::of(&server, &ada).await;
        let joined = reader.join_with(&room, json!({ "after": lost })).await;
        assert_eq!(joined["recovered"], false, "{lost}: {joined}");
        assert_eq!(joined["missing"], json!({ "from": 1, "to": 10 }), "{lost}: {joined}");
        assert_eq!(joined["position"], position(&epoch, 10));
        readers.push(reader);
    }
    // For who was no member, the range ends before the record of this very join.
    let (mut bob, _) = Socket::guest(&server, "Bob").await;
    let joined = bob.join_with(&room, json!({ "after": position("other", 3) })).await;
    assert_eq!(joined["missing"], json!({ "from": 1, "to": 10 }), "{joined}");
    assert_eq!(joined["position"], position(&epoch, 11));

    let marker = socket.say(&room, "marker").await;
    for reader in &mut readers {
        assert_eq!(reader.record().await["seq"], 11, "what is live comes");
    }
    readers.push(bob);
    for reader in &mut readers {
        next_is(reader, &marker).await;
    }
}

#[actix_web::test]
async fn joining_after_0_shows_the_own_joined_too() {
    let (server, _, _, room) = hall_with_records(3).await;
    let mut bob = Socket::open(&server).await;
    let user = user_from(&bob.ask("connect", json!({ "nickname": "Bob" })).await);
    let epoch = text(&Http::to(&server).look_at(&room).await["head"]["epoch"]);
    let joined = bob.join_with(&room, json!({ "after": position(&epoch, 0) })).await;
    assert_eq!((&joined["position"]["seq"], &joined["recovered"]), (&json!(4), &json!(true)));
    let records = bob.records(4).await;
    assert_eq!(seqs(&records), [1, 2, 3, 4]);
    assert_eq!((&records[3]["kind"], &records[3]["sender"]), (&json!("joined"), &user.shown()));
}

#[actix_web::test]
async fn a_second_join_starts_the_subscription_anew() {
    let (server, _, ada, room) = hall_with_records(4).await;
    let mut socket = Socket::of(&server, &ada).await;
    let epoch = epoch_of(&socket.join(&room).await);
    for _ in 0..3 {
        socket.join_with(&room, json!({ "after": position(&epoch, 1) })).await;
        assert_eq!(seqs(&socket.records(3).await), [2, 3, 4]);
    }
    let marker = socket.say(&room, "marker").await;
    next_is(&mut socket, &marker).await;
    let second = socket.say(&room, "and not twice").await;
    next_is(&mut socket, &second).await;
}

#[actix_web::test]
async fn losing_a_socket_makes_nobody_leave() {
    let (server, http, ada, room) = hall().await;
    let mut socket = Socket::of(&server, &ada).await;
    socket.join(&room).await;
    assert_eq!(socket.close().await, Some(1000));
    drop(Socket::of(&server, &ada).await);
    assert_eq!(http.look_at(&room).await["members"], 1);
    assert_eq!(http.say(&room, "still here").await["seq"], 2);
}
