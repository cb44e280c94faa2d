//! Which local process listens at a port, read from `/proc`.
//! Finds none on another machine, or where it belongs to somebody whose files this user may not see.

use std::fs;

/// A listening socket's state in `/proc/net/tcp`.
const LISTENING: &str = "0A";

/// The process that listens at the port; of several that share the socket the oldest, which is their parent.
pub(super) fn at(port: u16) -> Option<u32> {
    let sockets =
        ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let inodes: Vec<String> = sockets.iter().flat_map(|table| inodes(table, port)).collect();
    let pids = fs::read_dir("/proc").ok()?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    pids.filter(|pid| holds_one_of(*pid, &inodes)).min()
}

/// The port of `host:port` or of `scheme://…@host:port/…`.
pub(super) fn port_of(address: &str, default: u16) -> u16 {
    let authority = address.split_once("://").map_or(address, |(_, rest)| rest);
    let authority = authority.split(['/', '?', ',']).next().unwrap_or_default();
    authority.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(default)
}

/// The inodes of sockets that listen at the port.
fn inodes(table: &str, port: u16) -> Vec<String> {
    let suffix = format!(":{port:04X}");
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| {
        row.get(1).is_some_and(|local| local.ends_with(&suffix)) && row.get(3) == Some(&LISTENING)
    })
    .filter_map(|row| row.get(9).map(|inode| format!("socket:[{inode}]")))
    .collect()
}

fn holds_one_of(pid: u32, sockets: &[String]) -> bool {
    let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets.any(|target| target.to_str().is_some_and(|target| sockets.iter().any(|socket| socket == target)))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn this_process_is_found_by_its_port() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        assert_eq!(at(port), Some(std::process::id()));
        drop(listener);
        assert_eq!(at(port), None);
    }

    #[test]
    fn a_port_is_found_in_addresses_and_urls() {
        assert_eq!(port_of("127.0.0.1:9092,127.0.0.1:9093", 1), 9092);
        assert_eq!(port_of("postgres://klatsch:s3cr3t@127.0.0.1:5433/klatsch?sslmode=disable", 1), 5433);
        assert_eq!(port_of("postgres://klatsch:s3cr3t@localhost/klatsch", 5432), 5432);
    }
}
