//! A member of a room who speaks STOMP: connects, joins and subscribes, and hands over the bare connection.
//! What comes afterwards is counted and not read.

use anyhow::{Context as _, bail};
use futures_util::{SinkExt as _, StreamExt as _};
use klatsch::cli::client::socket::{Identity, ServerAddress};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Everything that a member says, in one breath; the last RECEIPT answers all of it.
const LAST_RECEIPT: &str = "there";

/// Joins the room, and reads what is said in it from now on.
pub(crate) async fn member(
    server: &ServerAddress,
    identity: &Identity,
    room: &str,
) -> anyhow::Result<TcpStream> {
    let stream = TcpStream::connect(server.authority()).await?;
    stream.set_nodelay(true)?;
    let address = format!("ws://{}/ws", server.authority());
    let (mut socket, _) = tokio_tungstenite::client_async(address, stream).await?;
    let Identity { nickname, secret } = identity;
    let entrance = format!(
        "CONNECT\naccept-version:1.2\nhost:bench\nlogin:{nickname}\npasscode:{secret}\n\n\0\
         SEND\ndestination:/app/chat/send/{room}\n\n{{\"type\":\"JOIN\"}}\0\
         SUBSCRIBE\nid:0\ndestination:/topic/chat/{room}\nreceipt:{LAST_RECEIPT}\n\n\0"
    );
    socket.send(Message::text(entrance)).await?;
    while !is_there(&mut socket).await? {}
    Ok(socket.into_inner())
}

async fn is_there(socket: &mut WebSocketStream<TcpStream>) -> anyhow::Result<bool> {
    let message = socket.next().await.context("the server closed")??;
    match message.to_text()? {
        error if error.starts_with("ERROR\n") => bail!("the server said {error:?}"),
        text => Ok(text.starts_with("RECEIPT\n") && text.contains(LAST_RECEIPT)),
    }
}
