//! Owns where a request comes from: the peer, or what the proxies in front of us say it was.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use axum::http::header::FORWARDED;
use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who is at the other end of the connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// In which header proxies say for whom they ask. Only one can be believed: the other is passed on
/// as the client sent it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardedBy {
    /// `Forwarded` (RFC 7239).
    Forwarded,
    /// `X-Forwarded-For`.
    XForwardedFor,
}

/// The proxies in front of the service.
#[derive(Clone, Debug)]
pub struct Proxies {
    /// Their networks; nobody else is believed.
    pub trusted: Vec<IpNet>,
    /// Where they say for whom they ask.
    pub header: ForwardedBy,
}

impl Proxies {
    /// Who asks: the last in the chain of hops that is no proxy of ours.
    #[must_use]
    pub fn client(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let name = match self.header {
            ForwardedBy::Forwarded => FORWARDED,
            ForwardedBy::XForwardedFor => X_FORWARDED_FOR,
        };
        let lines = headers.get_all(name);
        let lines: Vec<&str> = lines
            .iter()
            .map(|line| line.to_str().unwrap_or("?"))
            .collect();
        // From the end: what stands before the first stranger is that stranger's own word.
        for hop in lines.iter().rev().flat_map(|line| line.rsplit(',')) {
            match self.address_of(hop) {
                Some(address) => client = address,
                None => break,
            }
            if !self.trusts(client) {
                break;
            }
        }
        client
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.trusted
            .iter()
            .any(|network| network.contains(&address))
    }

    fn address_of(&self, hop: &str) -> Option<IpAddr> {
        let node = match self.header {
            ForwardedBy::XForwardedFor => hop.trim(),
            ForwardedBy::Forwarded => hop.split(';').find_map(|pair| {
                let (name, node) = pair.trim().split_once('=')?;
                name.eq_ignore_ascii_case("for")
                    .then_some(node.trim_matches('"'))
            })?,
        };
        let bare = node.trim_start_matches('[').trim_end_matches(']');
        let socket = || node.parse::<SocketAddr>().ok().map(|socket| socket.ip());
        let address = bare.parse().ok().or_else(socket);
        address.map(|address: IpAddr| address.to_canonical())
    }
}

/// What is counted as one: an IPv6 client has a whole network of 64 bits to itself.
pub(super) fn counted(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(header: ForwardedBy, peer: &str, lines: &[(HeaderName, &'static str)]) -> String {
        let proxies = Proxies {
            trusted: vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()],
            header,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(name, HeaderValue::from_static(value));
        }
        let client = proxies.client(peer.parse().unwrap(), &headers);
        client.to_string()
    }

    #[test]
    fn only_our_proxies_are_believed_and_only_for_one_hop_each() {
        let of = |peer, value| {
            client(
                ForwardedBy::XForwardedFor,
                peer,
                &[(X_FORWARDED_FOR, value)],
            )
        };
        assert_eq!(
            of("192.0.2.7", "203.0.113.1"),
            "192.0.2.7",
            "no proxy of ours"
        );
        assert_eq!(of("10.0.0.1", "203.0.113.1"), "203.0.113.1");
        assert_eq!(of("::ffff:10.0.0.1", "203.0.113.1"), "203.0.113.1");
        assert_eq!(
            of("10.0.0.1", "198.51.100.9, 203.0.113.1"),
            "203.0.113.1",
            "forged"
        );
        assert_eq!(of("10.0.0.1", "203.0.113.1, 10.2.3.4"), "203.0.113.1");
        assert_eq!(of("10.0.0.1", "203.0.113.1, unknown"), "10.0.0.1");
        assert_eq!(of("10.0.0.1", "203.0.113.1, ?, 10.2.3.4"), "10.2.3.4");
        assert_eq!(of("10.0.0.1", "203.0.113.1:4711"), "203.0.113.1");
        assert_eq!(of("fd00::1", "[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(of("10.0.0.1", ""), "10.0.0.1");
        let lines = [
            (X_FORWARDED_FOR, "198.51.100.9"),
            (X_FORWARDED_FOR, "203.0.113.1"),
        ];
        assert_eq!(
            client(ForwardedBy::XForwardedFor, "10.0.0.1", &lines),
            "203.0.113.1"
        );
    }

    #[test]
    fn the_header_that_our_proxies_do_not_write_is_the_clients_word() {
        let lines = [
            (
                FORWARDED,
                "for=198.51.100.9;proto=https, For=\"[2001:db8::2]:443\"",
            ),
            (X_FORWARDED_FOR, "203.0.113.1"),
        ];
        assert_eq!(
            client(ForwardedBy::Forwarded, "10.0.0.1", &lines),
            "2001:db8::2"
        );
        assert_eq!(
            client(ForwardedBy::XForwardedFor, "10.0.0.1", &lines),
            "203.0.113.1"
        );
        let hidden = [(FORWARDED, "for=198.51.100.9, for=_hidden")];
        assert_eq!(
            client(ForwardedBy::Forwarded, "10.0.0.1", &hidden),
            "10.0.0.1"
        );
    }

    #[test]
    fn one_ipv6_network_counts_as_one() {
        let of = |text: &str| counted(text.parse().unwrap()).to_string();
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(of("192.0.2.7"), "192.0.2.7");
    }
}
