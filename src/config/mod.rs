//! The settings of a node, validated once at the start; `config/default.toml` is their manual.
//! Not a place for rules: what a setting means is decided where it is used.

mod auth;
mod bounds;
mod database;
mod error;
mod given;
mod issuers;
mod kafka;
mod limits;
mod load;
mod log;
mod manual;
mod node;
mod origins;
mod properties;
mod providers;
mod proxies;
mod public_url;
mod rooms;
mod server;
mod show;
mod socket;
mod sockjs;
mod stomp;
mod stomp_routes;
mod telemetry;
mod tls;
mod web_url;
mod writer;

use serde::{Deserialize, Serialize};

pub use self::{
    auth::{AuthSettings, Name as IssuerName, RefreshStoreAddress},
    database::{DatabaseSettings, DatabaseUrl},
    error::SettingsError,
    issuers::{ClaimNames, IssuerSettings, Issuers, KeySource, SigningAlgorithm},
    kafka::{Brokers, KafkaSettings, TopicPrefix},
    limits::LimitSettings,
    log::{LogKind, LogSettings},
    node::{NodeId, NodeName, NodeSettings, Role, Roles},
    origins::AllowedOrigins,
    properties::{KafkaProperties, is_secret},
    providers::{ClientAuth, ProviderClaims, ProviderKind, ProviderSettings, Providers, Secret},
    proxies::TrustedProxies,
    public_url::PublicUrl,
    rooms::RoomSettings,
    server::{ListenAddress, ServerSettings},
    socket::SocketSettings,
    sockjs::{ClientUrl, SockJsSettings},
    stomp::{AnonymousClients, FixedDestination, RefusalsGo, StompSettings},
    stomp_routes::{StompRoute, StompRoutes},
    telemetry::{LogFilter, LogFormat, TelemetrySettings},
    tls::TlsSettings,
    web_url::WebUrl,
    writer::WriterSettings,
};

/// Everything that somebody may tune, one field for each section of the settings file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The HTTP server.
    pub server: ServerSettings,
    /// TLS.
    pub tls: TlsSettings,
    /// The database.
    pub database: DatabaseSettings,
    /// The log that orders the records of a room.
    pub log: LogSettings,
    /// The brokers of the Kafka log.
    pub kafka: KafkaSettings,
    /// This node among others.
    pub node: NodeSettings,
    /// Rooms that are awake.
    pub rooms: RoomSettings,
    /// The DB-writer.
    pub writer: WriterSettings,
    /// The native WebSocket.
    pub socket: SocketSettings,
    /// SockJS.
    pub sockjs: SockJsSettings,
    /// STOMP over WebSocket and SockJS.
    pub stomp: StompSettings,
    /// How people show who they are.
    pub auth: AuthSettings,
    /// What one user or one request may take.
    pub limits: LimitSettings,
    /// What a node tells about itself.
    pub telemetry: TelemetrySettings,
}
