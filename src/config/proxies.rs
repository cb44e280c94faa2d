//! `server.trusted_proxies`: from whom a node believes where a request came from.
//! Not the reading of a request's headers, which belongs to whoever has the request.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

/// Addresses and networks of proxies.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct TrustedProxies(Vec<Network>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u32,
    written: String,
}

impl TrustedProxies {
    /// Whether somebody at this address is one of them.
    pub fn has(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.has(address))
    }
}

impl TryFrom<Vec<String>> for TrustedProxies {
    type Error = &'static str;

    fn try_from(networks: Vec<String>) -> Result<Self, Self::Error> {
        let parsed: Option<Vec<_>> = networks.into_iter().map(Network::parse).collect();
        parsed.map(Self).ok_or("a list of addresses or networks, such as 10.0.0.7, 10.0.0.0/8 or fd00::/8")
    }
}

impl From<TrustedProxies> for Vec<String> {
    fn from(proxies: TrustedProxies) -> Self {
        proxies.0.into_iter().map(|network| network.written).collect()
    }
}

impl Network {
    fn parse(written: String) -> Option<Self> {
        let (address, prefix) = match written.split_once('/') {
            Some((address, prefix)) => (address.parse::<IpAddr>().ok()?, Some(prefix.parse::<u32>().ok()?)),
            None => (written.parse::<IpAddr>().ok()?, None),
        };
        let widest = width(address);
        let prefix = prefix.unwrap_or(widest);
        (prefix <= widest).then_some(Self { address, prefix, written })
    }

    fn has(&self, address: IpAddr) -> bool {
        let beyond = width(self.address) - self.prefix;
        let head = |bits: u128| bits.checked_shr(beyond).unwrap_or_default();
        match (self.address, address) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                head(ours.to_bits().into()) == head(other.to_bits().into())
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => head(ours.to_bits()) == head(other.to_bits()),
            _ => false,
        }
    }
}

/// Bits of an address.
fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> Result<TrustedProxies, &'static str> {
        TrustedProxies::try_from(networks.iter().map(|&one| one.to_owned()).collect::<Vec<_>>())
    }

    fn has(networks: &[&str], address: &str) -> bool {
        proxies(networks).unwrap().has(address.parse().unwrap())
    }

    #[test]
    fn a_proxy_is_an_address_or_in_a_network() {
        assert!(has(&["10.0.0.7"], "10.0.0.7") && !has(&["10.0.0.7"], "10.0.0.8"));
        assert!(has(&["10.0.0.0/8"], "10.255.0.1") && !has(&["10.0.0.0/8"], "11.0.0.1"));
        assert!(has(&["fd00::/8", "::1"], "fd12::1") && has(&["fd00::/8", "::1"], "::1"));
        assert!(has(&["127.0.0.1"], "::ffff:127.0.0.1"), "an address of IPv4 is one however it is written");
        assert!(has(&["0.0.0.0/0"], "192.0.2.1") && !has(&["0.0.0.0/0"], "2001:db8::1"));
        assert!(has(&["::/0"], "2001:db8::1") && !has(&[], "127.0.0.1"));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for bad in ["", "localhost", "10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.1/", "10.0.0.1:80"] {
            assert!(proxies(&[bad]).is_err(), "{bad}");
        }
    }
}
