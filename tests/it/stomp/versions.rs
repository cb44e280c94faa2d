//! Which version is spoken: `accept-version`, its absence, and sub-protocols of the WebSocket.

use super::Hall;
use crate::support::stomp::{Opening, Stomp};

#[actix_web::test]
async fn the_highest_version_that_both_know_is_spoken() {
    let hall = Hall::open().await;
    for (offered, spoken) in
        [("1.0", "1.0"), ("1.1", "1.1"), ("1.2", "1.2"), ("1.2,1.1,1.0", "1.2"), ("1.0,1.1,7.5", "1.1")]
    {
        let mut stomp = Stomp::open(&hall.server).await;
        let connected = stomp.connect(offered, &[("passcode", &hall.ada.token)]).await;
        assert_eq!(connected.header("version"), spoken, "{offered}");
    }
}

#[actix_web::test]
async fn a_client_that_names_no_version_speaks_1_0() {
    let hall = Hall::open().await;
    let mut stomp = Stomp::open(&hall.server).await;
    stomp.tell(&format!("CONNECT\npasscode:{}\n\n\0", hall.ada.token)).await;
    let connected = stomp.connected().await;
    assert_eq!(connected.header("version"), "1.0");
    assert_eq!(connected.find("heart-beat"), None, "1.0 has no heart-beats");
    stomp.say(&hall.room, "as in the old days").await;
}

#[actix_web::test]
async fn without_a_common_version_an_error_lists_the_servers_own() {
    let hall = Hall::open().await;
    for offered in ["2.0", "0.9,3.1", ""] {
        let mut stomp = Stomp::open(&hall.server).await;
        stomp.tell(&format!("CONNECT\naccept-version:{offered}\nhost:x\nlogin:Eve\n\n\0")).await;
        let error = stomp.ends_with("malformed", 4502).await;
        assert_eq!(error.header("version"), "1.0,1.1,1.2");
        assert_eq!(error.header("content-type"), "text/plain");
        assert!(error.body.contains("1.0,1.1,1.2"), "{error:?}");
    }
}

#[actix_web::test]
async fn the_frame_stomp_is_the_frame_connect() {
    let hall = Hall::open().await;
    for version in ["1.0", "1.1", "1.2"] {
        let mut stomp = Stomp::open(&hall.server).await;
        let headers = [("accept-version", version), ("host", "x"), ("passcode", &*hall.ada.token)];
        stomp.send("STOMP", &headers, "").await;
        assert_eq!(stomp.connected().await.header("version"), version);
        stomp.say(&hall.room, "hello").await;
    }
}

#[actix_web::test]
async fn the_best_sub_protocol_that_is_offered_is_chosen_at_both_paths() {
    let hall = Hall::open().await;
    for path in ["/ws", "/ws/websocket"] {
        for (offered, chosen) in [
            (None, None),
            (Some("v12.stomp"), Some("v12.stomp")),
            (Some("v11.stomp"), Some("v11.stomp")),
            (Some("v10.stomp"), Some("v10.stomp")),
            (Some("v12.stomp, v11.stomp, v10.stomp"), Some("v12.stomp")),
            (Some("chat, v11.stomp"), Some("v11.stomp")),
        ] {
            let how = Opening { path, protocols: offered, ..Opening::default() };
            let mut stomp = Stomp::open_as(&hall.server, how).await;
            assert_eq!(stomp.protocol.as_deref(), chosen, "{path} {offered:?}");
            stomp.connect("1.1,1.2", &[("passcode", &hall.ada.token)]).await;
        }
    }
}
