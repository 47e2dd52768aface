//! Owns what must hold of who asks: nobody is believed but our proxies, and they only name clients.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;
use payflow::presentation::{ForwardedBy, Proxies};

use crate::input::line;

const STRANGER: &str = "192.0.2.7";
const OURS: &str = "10.0.0.1";

/// Every line is one line of the header.
pub(crate) fn run(bytes: &[u8]) {
    for (by, name) in [
        (ForwardedBy::Forwarded, "forwarded"),
        (ForwardedBy::XForwardedFor, "x-forwarded-for"),
    ] {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"]
            .into_iter()
            .filter_map(|network| network.parse().ok())
            .collect();
        let proxies = Proxies {
            trusted: trusted.clone(),
            header: by,
        };
        let headers = headers(name, bytes);
        let client = |peer: &str| {
            let peer = peer.parse().expect("an address");
            (peer, proxies.client(peer, &headers))
        };
        let (peer, told) = client(STRANGER);
        assert_eq!(told, peer, "a stranger was believed");
        let (peer, told) = client(OURS);
        let lines = headers.get_all(name).iter();
        let hops: Vec<Vec<IpAddr>> = lines.flat_map(hops).collect();
        let Some(at) = hops.iter().rposition(|hop| hop.contains(&told)) else {
            assert_eq!(told, peer, "nobody said so: {hops:?}");
            continue;
        };
        // Behind a stranger nobody is looked for.
        let ours = |hop: &IpAddr| trusted.iter().any(|network| network.contains(hop));
        let mut nearer = hops.iter().skip(at).skip(1);
        let all_ours = nearer.all(|hop| hop.iter().any(ours));
        assert!(told == peer || all_ours, "{told} out of {hops:?}");
    }
}

fn headers(name: &'static str, bytes: &[u8]) -> HeaderMap {
    let name = HeaderName::from_static(name);
    let mut headers = HeaderMap::new();
    let mut rest = bytes;
    while !rest.is_empty() {
        let (text, after) = line(rest);
        if let Ok(value) = HeaderValue::from_bytes(text) {
            headers.append(name.clone(), value);
        }
        rest = after;
    }
    headers
}

/// The hops of a line, each with the addresses in it, in whatever form.
fn hops(value: &HeaderValue) -> Vec<Vec<IpAddr>> {
    let text = value.to_str().unwrap_or("?");
    let pieces = |hop: &str| {
        let pieces = hop.split([';', ' ', '\t', '"', '=']);
        pieces.filter_map(address).collect()
    };
    text.split(',').map(pieces).collect()
}

fn address(piece: &str) -> Option<IpAddr> {
    let bare = piece.trim_matches(['[', ']']);
    let with_port = || piece.parse::<SocketAddr>().ok().map(|socket| socket.ip());
    let found: Option<IpAddr> = bare.parse().ok().or_else(with_port);
    found.map(|address| address.to_canonical())
}
