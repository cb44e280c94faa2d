//! The integration tests: the real binary, through real sockets, judged by the wire contract alone.
//! Nothing here may use the library's types; an independent reading is what these tests are for.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "in a test a panic and a print are the report; the exemption for tests does not reach their helpers"
)]

mod support;

mod accounts;
mod check;
mod cli;
mod durability;
mod garbage;
mod hardening;
mod http_contract;
mod idempotence;
mod issuers;
mod kafka;
mod limits;
mod page;
mod polling;
mod protocol_examples;
mod races;
mod resume;
mod roles;
mod slow_readers;
mod socket_contract;
mod sockjs;
mod sse;
mod stomp;
mod storage_faults;
mod tls;
