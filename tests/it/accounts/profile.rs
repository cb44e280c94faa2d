//! `PATCH /api/users/me`: another nickname for the same person.
//! What rooms show of it is in the tests of rooms.

use awc::http::Method;
use serde_json::json;

use super::{acting_in, plan, refresh, sign_up};
use crate::support::http::{Answer, Http};

async fn rename(http: &Http, nickname: &str) -> Answer {
    http.call(Method::PATCH, "/api/users/me").json(&json!({ "nickname": nickname })).answer().await
}

#[actix_web::test]
async fn a_nickname_changes_and_the_old_one_is_free() {
    let server = plan().start().await;
    let http = Http::to(&server);
    let session = sign_up(&http, "ada").await;
    let bob = http.user("Bob").await;
    let ada = acting_in(&http, &session);
    let renamed = json!({ "id": session["user"]["id"], "nickname": "Countess" });
    assert_eq!(rename(&ada, "  Countess ").await.expect(200), renamed);
    let refreshed = refresh(&http, &session).await.expect(200);
    assert_eq!(refreshed["user"], renamed);
    rename(&ada, "COUNTESS").await.expect(200);
    rename(&ada, "bob").await.problem(409, "nickname_taken");
    rename(&ada, "").await.invalid("nickname");
    http.user("Ada").await;
    rename(&http.acting_as(&bob), "Robert").await.problem(403, "forbidden");
    rename(&http, "Nobody").await.problem(401, "unauthenticated");
}
