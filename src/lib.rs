//! Klatsch, an actor-based chat engine: a room is a fold over its log.
//! The binary beside this library only calls [`cli`]; everything that can be tested is here.

pub mod actors;
pub mod app;
pub mod auth;
pub mod cli;
pub mod config;
pub mod domain;
pub mod http;
pub mod log;
pub mod storage;
pub mod telemetry;
pub mod wire;
