//! Where a request came from: the address at the other end or, where that is a proxy's, what the proxy says.
//! How often somebody may come from there is not known here.

use std::net::{IpAddr, SocketAddr};

use actix_web::{
    HttpMessage, HttpRequest,
    dev::ServiceRequest,
    http::header::{self, HeaderMap, HeaderName},
};

use crate::{actors::Address, config::TrustedProxies};

/// What stands for somebody whose address nobody knows; all of them are one.
const NOWHERE: Address = Address::V6(0);

/// The address that was found for a request.
#[derive(Clone, Copy)]
struct Found(Address);

/// Finds where a request came from, and keeps it with the request.
pub(super) fn find(request: &ServiceRequest, proxies: &TrustedProxies) -> Address {
    let found =
        request.peer_addr().map_or(NOWHERE, |peer| client(peer.ip(), request.headers(), proxies).into());
    request.extensions_mut().insert(Found(found));
    found
}

/// Where a request came from, as it was found.
pub(super) fn of(request: &HttpRequest) -> Address {
    request.extensions().get::<Found>().map_or(NOWHERE, |found| found.0)
}

/// The client behind `peer`. Each hop is believed as far as the one that reports it is trusted, from the right on:
/// whatever stands further left anybody may have written.
fn client(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> IpAddr {
    let peer = peer.to_canonical();
    if !proxies.has(peer) {
        return peer;
    }
    let forwarded =
        chain(headers, &header::FORWARDED, forwarded_for).map(|chain| last_known(peer, &chain, proxies));
    let x_forwarded = chain(headers, &header::X_FORWARDED_FOR, |hop| hop.split(',').map(node).collect())
        .map(|chain| last_known(peer, &chain, proxies));
    match (forwarded, x_forwarded) {
        // One of the two is the proxy's word, and the other may be the client's own: which is which only a proxy
        // that writes both leaves no doubt about.
        (Some(one), Some(other)) if one != other => peer,
        (Some(one), _) | (None, Some(one)) => one,
        (None, None) => peer,
    }
}

/// All hops that headers of a name list, left to right; `None` where there is no such header.
fn chain(
    headers: &HeaderMap,
    name: &HeaderName,
    hops: impl Fn(&str) -> Vec<Option<IpAddr>>,
) -> Option<Vec<Option<IpAddr>>> {
    headers.contains_key(name).then(|| {
        // What cannot be read is a hop that nobody knows.
        headers.get_all(name).flat_map(|line| line.to_str().map_or_else(|_| vec![None], &hops)).collect()
    })
}

/// The rightmost hop that is no trusted proxy, or the last one that a trusted proxy could name.
fn last_known(peer: IpAddr, chain: &[Option<IpAddr>], proxies: &TrustedProxies) -> IpAddr {
    let mut known = peer;
    for hop in chain.iter().rev() {
        let Some(hop) = hop else { return known };
        known = *hop;
        if !proxies.has(known) {
            return known;
        }
    }
    known
}

/// The `for` of each element of a `Forwarded` header (RFC 7239).
fn forwarded_for(line: &str) -> Vec<Option<IpAddr>> {
    let elements = split_outside_quotes(line, ',');
    let of_element = |element: &str| {
        split_outside_quotes(element, ';').into_iter().find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            name.trim().eq_ignore_ascii_case("for").then(|| value.trim().trim_matches('"').to_owned())
        })
    };
    elements.into_iter().map(|element| of_element(element).as_deref().and_then(node)).collect()
}

fn split_outside_quotes(text: &str, separator: char) -> Vec<&str> {
    let mut is_quoted = false;
    text.split(move |c: char| {
        is_quoted ^= c == '"';
        c == separator && !is_quoted
    })
    .collect()
}

/// An address with or without a port and brackets; none for what hides one.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let parsed = bare.parse::<IpAddr>().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    parsed.ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;

    fn client_of(peer: &str, headers: &[(&str, &str)]) -> String {
        let trusted = vec!["10.0.0.0/8".to_owned(), "fd00::1".to_owned()];
        let mut request = TestRequest::get();
        for header in headers {
            request = request.append_header(*header);
        }
        let proxies = TrustedProxies::try_from(trusted).unwrap();
        client(peer.parse().unwrap(), request.to_http_request().headers(), &proxies).to_string()
    }

    #[test]
    fn a_stranger_is_believed_nothing() {
        for header in ["X-Forwarded-For", "Forwarded"] {
            assert_eq!(client_of("192.0.2.1", &[(header, "for=203.0.113.9, 203.0.113.9")]), "192.0.2.1");
        }
        assert_eq!(client_of("10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_rightmost_hop_that_is_no_proxy_is_the_client() {
        let behind = |chain: &str| client_of("10.0.0.1", &[("X-Forwarded-For", chain)]);
        assert_eq!(behind("203.0.113.9"), "203.0.113.9");
        assert_eq!(
            behind("198.51.100.1, 203.0.113.9"),
            "203.0.113.9",
            "what the client wrote is to the left"
        );
        assert_eq!(behind("198.51.100.1, 203.0.113.9, 10.2.3.4"), "203.0.113.9");
        assert_eq!(behind("203.0.113.9:4711"), "203.0.113.9");
        assert_eq!(behind("2001:db8::7, fd00::1"), "2001:db8::7");
        assert_eq!(behind("[2001:db8::7]:80"), "2001:db8::7");
        assert_eq!(behind("::ffff:203.0.113.9"), "203.0.113.9");
        assert_eq!(behind("10.1.1.1, 10.2.2.2"), "10.1.1.1", "clients may be at home among the proxies");
    }

    #[test]
    fn a_hop_that_hides_is_where_it_ends() {
        let behind = |chain: &str| client_of("10.0.0.1", &[("X-Forwarded-For", chain)]);
        assert_eq!(behind("203.0.113.9, unknown"), "10.0.0.1");
        assert_eq!(behind("203.0.113.9, garbage, 10.2.3.4"), "10.2.3.4");
        assert_eq!(behind(""), "10.0.0.1");
        assert_eq!(client_of("10.0.0.1", &[("Forwarded", "for=_hidden, for=\"_proxy\"")]), "10.0.0.1");
    }

    #[test]
    fn forwarded_is_read_as_its_specification_has_it() {
        let behind = |chain: &str| client_of("10.0.0.1", &[("Forwarded", chain)]);
        assert_eq!(behind("for=203.0.113.9;proto=https;by=10.0.0.1"), "203.0.113.9");
        assert_eq!(behind("proto=http; For=\"[2001:db8:cafe::17]:4711\""), "2001:db8:cafe::17");
        assert_eq!(
            behind("for=198.51.100.1;host=\"a,b;for=192.0.2.7\", for=203.0.113.9, for=10.9.9.9"),
            "203.0.113.9"
        );
        assert_eq!(behind("for=203.0.113.9, proto=https"), "10.0.0.1");
    }

    #[test]
    fn headers_may_come_in_several_lines() {
        let lines = [("X-Forwarded-For", "198.51.100.1"), ("X-Forwarded-For", "203.0.113.9, 10.2.3.4")];
        assert_eq!(client_of("10.0.0.1", &lines), "203.0.113.9");
    }

    #[test]
    fn two_headers_that_disagree_are_believed_neither() {
        let both =
            |one: &str, other: &str| client_of("10.0.0.1", &[("X-Forwarded-For", one), ("Forwarded", other)]);
        assert_eq!(both("203.0.113.9", "for=203.0.113.9"), "203.0.113.9");
        assert_eq!(both("203.0.113.9", "for=192.0.2.66"), "10.0.0.1");
    }
}
