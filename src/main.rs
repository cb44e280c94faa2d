//! The `klatsch` binary: hands the command line to the library and turns its answer into an exit code.
//! No logic lives here.

fn main() {}
