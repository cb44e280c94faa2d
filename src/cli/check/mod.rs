//! `klatsch check`: clients use a cluster while somebody breaks it, and what they saw is judged.
//! A client through and through: nothing here uses the server's own code.

pub mod evidence;
pub mod judge;
