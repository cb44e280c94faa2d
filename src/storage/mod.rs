//! Rows: users, rooms, records, snapshots and places in the log, in SQLite or PostgreSQL, through one set of queries.
//! Synchronous and blocking; nothing here knows actors, runtimes or clocks.

pub mod accounts;
pub mod auth_events;
pub mod auth_keys;
pub mod batch;
mod bulk;
mod connection;
mod database;
mod error;
pub mod fold;
pub mod identities;
pub mod invitations;
pub mod logins;
pub mod memberships;
mod migrations;
pub mod partitions;
mod pool;
pub mod provider_logins;
pub mod records;
pub mod rooms;
mod schema;
pub mod snapshots;
mod store;
#[cfg(test)]
pub(crate) mod testbed;
mod url;
pub mod users;

pub use batch::{Batch, NewRecord};
pub use connection::Connection;
pub use database::{Database, Options};
pub use error::StorageError;
pub use memberships::Membership;
pub use partitions::Advance;
pub use store::Store;
pub use url::DatabaseUrl;
