//! Puts a node together from its settings, runs it, and stops it without losing anything.
//! What the parts do is theirs to say.

pub mod kafka_tools;
mod tls;
pub mod verify;

use std::{any::Any, net::Shutdown, time::Duration};

use actix_rt::{System, net::TcpStream};
use actix_tls::accept::rustls_0_23::TlsStream;
use actix_web::{HttpServer, dev::Extensions, web};
use anyhow::{Context as _, ensure};
use log::{info, warn};
use socket2::SockRef;
use tokio::{
    signal::unix::{SignalKind, signal},
    time,
};

use self::tls::Certificate;
use crate::{
    actors::{Address, Allowances, Clock, Engine, EngineOptions, KafkaPlan, LogOptions},
    auth::{Auth, Elsewhere, Password, SignUp},
    config::{LogKind, Role, Settings, SocketSettings},
    domain::{Email, Limits, Login, Nickname, ServerRole},
    http,
    log::kafka::{KafkaOptions, saver},
    storage::{self, Database, Options, Store},
    telemetry::Metrics,
};

/// Members and remembered sends of rooms that a saver keeps between two batches; each takes about 200 bytes.
const FOLD_WEIGHT: usize = 1_000_000;

/// Connections that may wait to be accepted.
const BACKLOG: u32 = 4096;

/// Runs a node until it is told to stop by SIGTERM or SIGINT.
///
/// # Errors
/// Why it could not start: the database, or the address to listen at.
pub fn serve(settings: Settings) -> anyhow::Result<()> {
    serve_beside(settings, http::services)
}

/// As [`serve`], with other services beside the API.
///
/// # Errors
/// As [`serve`].
pub fn serve_beside(settings: Settings, services: http::Services) -> anyhow::Result<()> {
    System::new().block_on(run(settings, services))
}

/// Brings the database's tables up to date.
///
/// # Errors
/// Why it could not.
pub fn migrate(settings: Settings) -> anyhow::Result<()> {
    open_database(&settings).map(drop)
}

/// Somebody who is to be an admin, as somebody says them.
pub struct NewAdmin {
    /// What they log in by.
    pub login: String,
    /// Their nickname.
    pub nickname: String,
    /// Their address.
    pub email: Option<String>,
    /// Their password.
    pub password: String,
}

/// Makes an account of an admin, and says what they are called.
///
/// # Errors
/// Why it could not: the database, a name that is taken, or a password that is weak.
pub fn create_admin(settings: Settings, new: NewAdmin) -> anyhow::Result<String> {
    let sign_up = SignUp {
        login: Login::parse(&new.login)?,
        password: Password::parse(&new.password)?,
        nickname: Some(Nickname::parse(&new.nickname, &limits(&settings))?),
        email: new.email.as_deref().map(Email::parse).transpose()?,
    };
    let store = Store::new(open_database(&settings)?, 1);
    let auth = Auth::new(store, &settings.auth, Elsewhere::default(), &limits(&settings));
    let made = auth.accounts.create(sign_up, None, ServerRole::Admin, Clock::system().now());
    Ok(System::new().block_on(made)?.nickname.to_string())
}

async fn run(settings: Settings, services: http::Services) -> anyhow::Result<()> {
    let database = open_database(&settings)?;
    check_log(&settings, &database)?;
    let certificate = Certificate::of(&settings.tls).context("cannot speak TLS")?;
    let engine = Engine::start(engine_options(&settings, database)?).context("cannot start the log")?;
    let address = settings.server.listen.as_str().to_owned();
    let (server, workers) = (settings.server.clone(), settings.server.worker_threads());
    let (socket, proxies) = (settings.socket.clone(), settings.server.trusted_proxies.clone());
    let allowances = engine.allowances().clone();
    actix_rt::spawn(allowances.clone().keep_small());
    let node = engine.clone();
    let sessions = http::sockjs::Sessions::default();
    let server_of_http = HttpServer::new(move || {
        let context = http::Context::new(node.clone(), &settings, sessions.clone(), services);
        http::app(web::Data::new(context))
    })
    .workers(workers)
    .backlog(BACKLOG)
    .max_connections(server.max_connections.div_ceil(workers))
    // A linger would hold each closing socket for a second; goodbyes have their own time.
    .client_disconnect_timeout(Duration::ZERO)
    .client_request_timeout(server.request_timeout())
    .tls_handshake_timeout(server.request_timeout())
    .keep_alive(server.keep_alive())
    .shutdown_timeout(server.shutdown_s)
    // A client that shut its side down is gone; its streams end then.
    .h1_allow_half_closed(false)
    .disable_signals()
    .on_connect(move |connection, extensions: &mut Extensions| {
        let Some(stream) = stream_of(connection) else { return };
        tune(stream, &socket);
        let peer = stream.peer_addr().ok().map(|peer| peer.ip()).filter(|peer| !proxies.has(*peer));
        match peer.map(|peer| allowances.connect(Address::from(peer))) {
            Some(Some(seat)) => drop(extensions.insert(seat)),
            Some(None) => cut(stream),
            None => {}
        }
    });
    let scheme = if certificate.is_some() { "https" } else { "http" };
    let bound = match &certificate {
        None => server_of_http.bind(&address),
        Some(certificate) => server_of_http.bind_rustls_0_23(&address, certificate.server_config()?),
    };
    let running = bound.with_context(|| format!("cannot listen at {address}"))?.run();
    info!("node {} listens at {scheme}://{address}", engine.node());
    if let Some(certificate) = certificate {
        actix_rt::spawn(certificate.follow_files());
    }
    let handle = running.handle();
    let patience = Duration::from_secs(server.shutdown_s.max(1));
    actix_rt::spawn(async move {
        told_to_stop().await;
        info!("stopping");
        if time::timeout(patience, engine.stop()).await.is_err() {
            warn!("not everything could be finished in time");
        }
        handle.stop(true).await;
    });
    running.await.context("the server failed")
}

fn open_database(settings: &Settings) -> anyhow::Result<Database> {
    let database = database(settings)?;
    database.migrate().context("cannot bring the database's tables up to date")?;
    Ok(database)
}

/// The database as it is.
fn database(settings: &Settings) -> anyhow::Result<Database> {
    let options = Options {
        url: settings.database.url.expose().to_owned(),
        read_connections: settings.database.read_connections,
        busy_timeout_ms: settings.database.busy_timeout_ms,
    };
    Database::open(options).context("cannot open the database")
}

/// What is in the Kafka log and not yet in the database would be missing from an embedded log.
fn check_log(settings: &Settings, database: &Database) -> anyhow::Result<()> {
    if settings.log.kind == LogKind::Embedded {
        let is_placed = database.read(storage::rooms::any_placed).context("cannot read the rooms")?;
        ensure!(!is_placed, "the rooms of this database live in a Kafka log: set log.kind to \"kafka\"");
    }
    Ok(())
}

fn engine_options(settings: &Settings, database: Database) -> anyhow::Result<EngineOptions> {
    let rooms = &settings.rooms;
    let metrics = Metrics::new();
    Ok(EngineOptions {
        log: log_options(settings, &metrics)?,
        node: settings.node.id.as_str().to_owned(),
        database,
        queries_at_once: settings.database.read_connections,
        clock: Clock::system(),
        limits: limits(settings),
        elsewhere: Elsewhere::open(&settings.auth)?,
        allowances: Allowances::new(&settings.limits, &metrics),
        metrics,
        auth: settings.auth.clone(),
        room_threads: rooms.room_threads(),
        ring_records: rooms.ring_records,
        ring_bytes: rooms.ring_bytes,
        room_idle: rooms.idle(),
        room_pace: rooms.pace(),
        snapshot_every: rooms.snapshot_every,
    })
}

/// What people may choose.
fn limits(settings: &Settings) -> Limits {
    let limits = &settings.limits;
    Limits {
        nickname_chars: limits.nickname_chars,
        room_name_chars: limits.room_name_chars,
        body_bytes: limits.body_bytes,
        client_id_chars: limits.client_id_chars,
    }
}

fn log_options(settings: &Settings, metrics: &Metrics) -> anyhow::Result<LogOptions> {
    let Settings { node, kafka, writer, .. } = settings;
    if settings.log.kind == LogKind::Embedded {
        let (queue_records, batch_records) = (writer.queue_records, writer.batch_records);
        return Ok(LogOptions::Embedded { queue_records, batch_records });
    }
    let options = KafkaOptions::new(kafka, node.id.as_str(), metrics.clone())?;
    options.check()?;
    Ok(LogOptions::Kafka(Box::new(KafkaPlan {
        options,
        ring_bytes: kafka.ring_bytes,
        watchdog: kafka.watchdog(),
        saves: node.roles.has(Role::Saver).then_some(saver::Bounds {
            batch_entries: writer.batch_records,
            snapshot_every: settings.rooms.snapshot_every,
            fold_weight: FOLD_WEIGHT,
        }),
    })))
}

/// Sets what the kernel should do for a client that does not read: bound what it buffers, and give up in time.
fn tune(stream: &TcpStream, settings: &SocketSettings) {
    let socket = SockRef::from(stream);
    let buffer = settings.send_buffer().map_or(Ok(()), |bytes| socket.set_send_buffer_size(bytes));
    let timeout = socket.set_tcp_user_timeout(settings.user_timeout());
    if let Err(error) = buffer.and(timeout).and(socket.set_tcp_nodelay(true)) {
        warn!("setting up a connection: {error}");
    }
}

/// Ends a connection without a word.
fn cut(stream: &TcpStream) {
    // One that is gone already is cut as well.
    let _ = SockRef::from(stream).shutdown(Shutdown::Both);
}

/// The connection below what is spoken on it.
fn stream_of(connection: &dyn Any) -> Option<&TcpStream> {
    let secured = || connection.downcast_ref::<TlsStream<TcpStream>>().map(|stream| stream.get_ref().0);
    connection.downcast_ref::<TcpStream>().or_else(secured)
}

async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        warn!("signals cannot be heard; the node runs until it is killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
