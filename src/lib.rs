//! Klatsch, an actor-based chat engine: a room is a fold over its log.
//! The binary beside this library only calls [`cli`]; everything that can be tested is here.

pub mod cli;
