//! The `klatsch` binary: hands the command line to the library and its answer to the system.
//! No logic lives here.

use std::process::ExitCode;

fn main() -> ExitCode {
    klatsch::cli::run()
}
