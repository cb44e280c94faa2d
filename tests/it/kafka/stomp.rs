//! STOMP clients on several nodes: one room, and a position that is good on each. D1 to D4 and D7 in that protocol.
//! What a single node promises to them is tested in `crate::stomp`.

use crate::support::cluster::Cluster;
use crate::support::http::{Http, id_of};
use crate::support::stomp::{Frame, Stomp, chat, content};

/// Fixed, as front ends have them.
const WRITER: [(&str, &str); 2] = [("login", "Writer"), ("passcode", "the secret of the writer")];
const READER: [(&str, &str); 2] = [("login", "Reader"), ("passcode", "the secret of the reader")];

/// Messages before and after the kill.
const HALF: usize = 100;

/// D1 D2 D3 D4 D7.
#[actix_web::test]
async fn d3_a_stomp_client_resumes_on_the_other_node_after_a_kill() {
    let Some(mut cluster) = Cluster::shared("STOMP on two nodes", 2).await else {
        return;
    };
    let ada = Http::to(&cluster.nodes[0]).user("Ada").await;
    let http = Http::to(&cluster.nodes[1]);
    let room = Http::to(&cluster.nodes[0]).acting_as(&ada).room("hall").await;
    let (room, epoch) = (id_of(&room), room["head"]["epoch"].as_str().unwrap().to_owned());

    let (mut writer, mut reader) = (connect(&cluster, 0, WRITER).await, connect(&cluster, 0, READER).await);
    let mut other = connect(&cluster, 1, [("login", "Other"), ("passcode", "the secret of the other")]).await;
    let begin = format!("{epoch}:0");
    reader.subscribe("room", &room, &[("ack", "client"), ("after", &begin)]).await;
    other.subscribe("room", &room, &[("after", &begin)]).await;
    writer.join(&room).await;
    let first = send(&mut writer, &room, 0..HALF).await;
    // The reader has heard a part of it, and acknowledged less.
    let mut heard = reader.messages("room", HALF / 2).await;
    reader.send("ACK", &[("id", heard[3].header("ack"))], "").await;
    writer.receipt(&first[HALF / 3]).await;
    cluster.nodes[0].kill();

    let position = heard.last().unwrap().position();
    let (mut writer, mut reader) = (connect(&cluster, 1, WRITER).await, connect(&cluster, 1, READER).await);
    reader.subscribe("room", &room, &[("ack", "client-individual"), ("after", &position)]).await;
    // Whatever of the first half has no RECEIPT is sent again, and what has one as well: that changes nothing.
    for receipt in send(&mut writer, &room, 0..2 * HALF).await {
        writer.receipt(&receipt).await;
    }
    heard.extend(reader.messages("room", 2 * HALF + 1 - HALF / 2).await);
    let history = http.history(&room).await;
    let told = |frame: &Frame| (frame.number("seq"), frame.header("client-id").to_owned());
    let kept = |record: &serde_json::Value| {
        let client_id = record["client_id"].as_str().unwrap_or_default();
        (record["seq"].as_u64().unwrap(), client_id.to_owned())
    };
    let kept: Vec<_> = history.iter().map(kept).collect();
    assert_eq!(heard.iter().map(told).collect::<Vec<_>>(), kept);
    assert_eq!(other.messages("room", 2 * HALF + 1).await.iter().map(told).collect::<Vec<_>>(), kept);
    let mut ids: Vec<usize> = kept[1..].iter().map(|(_, id)| id.parse().unwrap()).collect();
    ids.sort_unstable();
    assert_eq!(ids, (0..2 * HALF).collect::<Vec<_>>(), "each once");

    cluster.nodes[0].restart().await;
    let mut again = connect(&cluster, 0, READER).await;
    again.subscribe("room", &room, &[("after", &heard[10].position())]).await;
    assert_eq!(again.messages("room", 2 * HALF - 10).await.iter().map(told).collect::<Vec<_>>(), kept[11..]);
    cluster.must_be_stored().await;
}

/// D2 D4: a transaction over two rooms, begun on one node and repeated on the other.
#[actix_web::test]
async fn a_transaction_is_done_once_whatever_node_it_comes_to() {
    let Some(cluster) = Cluster::shared("STOMP transactions", 2).await else {
        return;
    };
    let ada = Http::to(&cluster.nodes[0]).user("Ada").await;
    let http = Http::to(&cluster.nodes[0]).acting_as(&ada);
    let rooms = [id_of(&http.room("one").await), id_of(&http.room("two").await)];
    for room in &rooms {
        http.enter(room).await;
    }
    for node in &cluster.nodes {
        let mut stomp = Stomp::of(node, &ada).await;
        stomp.send("BEGIN", &[("transaction", "t")], "").await;
        for n in 0..20 {
            let (destination, id) = (chat(&rooms[n % 2]), n.to_string());
            let headers = [("destination", &*destination), ("transaction", "t"), ("client-id", &id)];
            stomp.send("SEND", &headers, &content(&id)).await;
        }
        stomp.done("COMMIT", &[("transaction", "t")], "").await;
    }
    for (first, room) in rooms.iter().enumerate() {
        let history = http.history(room).await;
        let said: Vec<&str> = history.iter().filter_map(|record| record["body"].as_str()).collect();
        let expected: Vec<String> = (first..20).step_by(2).map(|n| n.to_string()).collect();
        assert_eq!(said, expected);
    }
}

async fn connect(cluster: &Cluster, node: usize, headers: [(&str, &str); 2]) -> Stomp {
    let mut stomp = Stomp::open(&cluster.nodes[node]).await;
    stomp.connect("1.2", &headers).await;
    stomp
}

/// Sends messages whose text is their `client-id`; gives the names of their receipts.
async fn send(stomp: &mut Stomp, room: &str, numbers: std::ops::Range<usize>) -> Vec<String> {
    let mut receipts = Vec::new();
    for number in numbers {
        let (destination, id) = (chat(room), number.to_string());
        let headers = [("destination", &*destination), ("client-id", &id)];
        receipts.push(stomp.ask("SEND", &headers, &content(&id)).await);
    }
    receipts
}
