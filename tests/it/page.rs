//! The page at `/`: served whole when it was built, and a clear hint when it was not.
//! What the page does in a browser is not tested here.

use crate::support::http::Http;
use crate::support::server::Server;

#[actix_web::test]
async fn the_page_is_there_or_says_how_to_build_it() {
    let server = Server::start().await;
    let http = Http::to(&server);
    let page = http.get("/").await;
    let html = page.text();
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    if page.status != 200 {
        assert!(html.contains("make"), "no hint how to build the page: {html}");
        return;
    }
    assert!(html.to_lowercase().starts_with("<!doctype html"), "{html}");
    for part in parts_of(&html) {
        let answer = http.get(&part).await;
        assert_eq!(answer.status, 200, "{part}");
        let kind = if part.ends_with(".js") { "javascript" } else { "" };
        assert!(answer.header("content-type").contains(kind), "{part}: {}", answer.header("content-type"));
    }
}

#[actix_web::test]
async fn a_part_of_the_page_that_is_not_there_is_not_found() {
    let server = Server::start().await;
    let http = Http::to(&server);
    assert_eq!(http.get("/assets/no-such-part.js").await.status, 404);
    assert_eq!(http.get("/../Cargo.toml").await.status, 404);
    assert_eq!(http.get("/%2e%2e/Cargo.toml").await.status, 404);
}

/// The addresses on this server that the page loads.
fn parts_of(html: &str) -> Vec<String> {
    let attributes = html.split(['"', '\'']).skip(1).step_by(2);
    let local = attributes.filter_map(|value| {
        let path = value.strip_prefix("./").map_or(value.to_owned(), |rest| format!("/{rest}"));
        (path.starts_with("/assets/")).then_some(path)
    });
    local.collect()
}
