//! The command line: what `klatsch` does when it is called.
//! Only dispatches.

pub mod bench;
