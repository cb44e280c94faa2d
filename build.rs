//! Makes a build notice what is embedded into the binary: the web page and the migrations.
//! It builds neither; `make web` builds the page.

use std::fs;

fn main() {
    // Without the page the server still builds and runs, so that `cargo test` needs no Node: then the folder is
    // empty. Where it cannot be made, embedding it says so.
    let _ = fs::create_dir_all("web/dist");
    println!("cargo::rerun-if-changed=web/dist");
    println!("cargo::rerun-if-changed=migrations");
}
