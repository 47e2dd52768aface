//! Owns what must hold of the bytes of a connection: whatever comes, what goes back is whole
//! answers with a trace, and never our own failure.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;
use std::time::Duration;

use axum::Router;
use payflow::presentation::server::{Limits, connection};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use crate::input::Here;
use crate::request::world::World;

/// More than is ever on its way.
const PIPE_BYTES: usize = 256 * 1024;

struct Service {
    here: Here,
    world: World,
    limits: Limits,
}

static SERVICE: LazyLock<Service> = LazyLock::new(|| Service {
    here: Here::new(),
    world: World::new(),
    limits: Limits {
        header_timeout: Duration::from_secs(10),
        write_timeout: Duration::from_secs(30),
        headers_max: 100,
        connections_max: 1,
        drain: Duration::from_secs(1),
    },
});

/// Everything that a client sends before it ends its side.
pub(crate) fn run(bytes: &[u8]) {
    let Service {
        here,
        world,
        limits,
    } = &*SERVICE;
    let answered = here.wait(async {
        let answered = converse(world.router.clone(), limits, bytes).await;
        world.put_back().await;
        answered
    });
    let mut rest = answered.as_slice();
    while !rest.is_empty() {
        rest = after_answer(rest);
    }
}

async fn converse(router: Router, limits: &Limits, bytes: &[u8]) -> Vec<u8> {
    let (mut client, far) = duplex(PIPE_BYTES);
    let peer = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let served = connection(far, peer, router, limits);
    let told = async {
        let mut answered = Vec::new();
        // It may be cut off while it speaks; what it was told before counts.
        let _ = client.write_all(bytes).await;
        let _ = client.shutdown().await;
        let _ = client.read_to_end(&mut answered).await;
        answered
    };
    // How a connection ends is up to the client.
    let (_, answered) = tokio::join!(served, told);
    answered
}

/// What follows a whole answer.
fn after_answer(bytes: &[u8]) -> &[u8] {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let (head, rest) = bytes.split_at(end.expect("a head ends"));
    let head = str::from_utf8(head).expect("a head is text");
    let rest = rest.get(4..).unwrap_or_default();
    let status = head.strip_prefix("HTTP/1.").and_then(|line| line.get(2..5));
    let status: u16 = status.and_then(|code| code.parse().ok()).expect("a status");
    if status == 100 {
        return rest;
    }
    let value = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(known, _)| *known == name)
            .map(|(_, value)| value)
    };
    assert!(status < 500 || status == 503, "{head}");
    assert!(
        value("x-trace-id").is_some_and(|trace| trace.len() == 32),
        "{head}"
    );
    let length = value("content-length").and_then(|length| length.parse::<usize>().ok());
    // An answer to HEAD tells the length of a body that does not come.
    let length = length.unwrap_or_default();
    match rest.get(..7) {
        Some(b"HTTP/1.") | None if length > rest.len() || rest.starts_with(b"HTTP/1.") => rest,
        _ => rest.get(length..).unwrap_or_default(),
    }
}
