//! From the start of the binary on a fresh database to the first acknowledged message.
//! `cargo bench --bench start`; the time is a client's, who makes a user, a room, a socket and a message.

#[expect(dead_code, reason = "this bench has a closed load only")]
#[path = "support/load.rs"]
mod load;
#[path = "support/server.rs"]
mod server;
#[path = "support/speaker.rs"]
mod speaker;

use std::io::{Write as _, stdout};
use std::time::Instant;

use clap::Parser as _;
use klatsch::cli::client::api::Api;
use klatsch::cli::client::guests::Guests;
use klatsch::cli::latency::Latency;

use crate::load::Load;
use crate::server::Server;
use crate::speaker::Speaker;

const BODY_BYTES: usize = 200;

#[derive(clap::Parser)]
struct Args {
    /// Starts to take the median of
    #[arg(long, default_value_t = 20)]
    rounds: usize,
    /// Given by cargo
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    actix_rt::System::new().block_on(async {
        let (mut listening, mut acked) = (Latency::default(), Latency::default());
        let mut memory = None;
        for _ in 0..args.rounds {
            let begin = Instant::now();
            let mut server = Server::spawn(&[])?;
            server.listening().await?;
            listening.record(begin.elapsed());
            say_hello(&server).await?;
            acked.record(begin.elapsed());
            memory = Some(server.process.memory()?);
        }
        writeln!(stdout(), "{} starts on a fresh database", args.rounds)?;
        writeln!(stdout(), "  to the first socket  {}", listening.quantiles())?;
        writeln!(stdout(), "  to the first ack     {}", acked.quantiles())?;
        if let Some(memory) = memory {
            writeln!(stdout(), "  memory of the last   {memory}")?;
        }
        Ok(())
    })
}

async fn say_hello(server: &Server) -> anyhow::Result<()> {
    let guests = Guests::new()?;
    let host = guests.guest(0)?;
    let room = Api::sign_up(&server.address, &host).await?.create_room(&guests.name("start", 0)).await?;
    let mut speaker = Speaker::join(&server.address, &host, &room, BODY_BYTES).await?;
    Load::Window(1).drive(&mut speaker, 1).await
}
