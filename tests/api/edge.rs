//! What arrives as bytes: requests that no client library would send.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::{Rig, SECRET};

/// Sends these bytes and reads until the server closes or is silent; the status and the text.
pub(crate) async fn exchange(address: SocketAddr, bytes: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The server may answer and close before it has read everything.
    drop(stream.write_all(bytes.as_bytes()).await);
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(Ok(read @ 1..)) =
        tokio::time::timeout(Duration::from_secs(2), stream.read(&mut chunk)).await
    {
        received.extend_from_slice(&chunk[..read]);
        if String::from_utf8_lossy(&received).contains("traceId") {
            break;
        }
    }
    let text = String::from_utf8_lossy(&received).into_owned();
    let status = text.get(9..12).and_then(|digits| digits.parse().ok());
    (status.unwrap_or(0), text)
}

fn request(headers: &str, body: &str) -> String {
    format!(
        "POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
         Authorization: Bearer {SECRET}\r\n{headers}\r\n{body}"
    )
}

const CHUNKED: &str = "2\r\n{}\r\n0\r\n\r\n";

/// A name, the headers, the body, and the status that refuses it.
const ODDITIES: &[(&str, &str, &str, u16)] = &[
    (
        "length and encoding",
        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
        CHUNKED,
        411,
    ),
    (
        "encoding and length",
        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
        CHUNKED,
        411,
    ),
    (
        "encoding alone",
        "Transfer-Encoding: chunked\r\n",
        CHUNKED,
        411,
    ),
    (
        "unknown encoding",
        "Transfer-Encoding: xchunked\r\n",
        CHUNKED,
        400,
    ),
    (
        "two lengths",
        "Content-Length: 2\r\nContent-Length: 3\r\n",
        "{} ",
        400,
    ),
    ("a negative length", "Content-Length: -2\r\n", "{}", 400),
    (
        "a space before the colon",
        "Content-Length : 2\r\n",
        "{}",
        400,
    ),
    ("a space in a name", "Content Length: 2\r\n", "{}", 400),
    (
        "two keys",
        "Idempotency-Key: a\r\nIdempotency-Key: b\r\nContent-Length: 2\r\n",
        "{}",
        400,
    ),
    (
        "two secrets",
        "Authorization: Bearer b\r\nContent-Length: 2\r\n",
        "{}",
        400,
    ),
    (
        "two types",
        "Content-Type: text/xml\r\nContent-Length: 2\r\n",
        "{}",
        400,
    ),
    ("a large body", "Content-Length: 65537\r\n", "{}", 413),
    (
        "a compressed body",
        "Content-Encoding: gzip\r\nContent-Length: 2\r\n",
        "{}",
        415,
    ),
];

#[tokio::test]
async fn ambiguous_requests_are_refused() {
    let rig = Rig::new().await;
    let many = "X-Filler: 1\r\n".repeat(1000);
    let long = format!("X-Filler: {}\r\n", "x".repeat(100_000));
    let filled = [
        ("a thousand headers", many.as_str(), "", 431),
        ("a long header", long.as_str(), "", 431),
    ];
    for (name, headers, body, status) in ODDITIES.iter().copied().chain(filled) {
        let (found, text) = exchange(rig.running.address, &request(headers, body)).await;
        assert_eq!(found, status, "{name}: {text}");
    }
    // The same request without the oddity gets as far as its fields.
    let (found, text) =
        exchange(rig.running.address, &request("Content-Length: 2\r\n", "{}")).await;
    assert_eq!(found, 400, "{text}");
    assert!(text.contains("FIELD_REQUIRED"), "{text}");
}

#[tokio::test]
async fn content_types_are_read_strictly() {
    let rig = Rig::new().await;
    let body = "{}";
    for (kind, code) in [
        ("application/json", "INVALID_REQUEST"),
        ("application/json; charset=utf-8", "INVALID_REQUEST"),
        ("APPLICATION/JSON;charset=UTF-8", "INVALID_REQUEST"),
        ("application/json; charset=euc-kr", "UNSUPPORTED_MEDIA_TYPE"),
        ("application/jsonp", "UNSUPPORTED_MEDIA_TYPE"),
        ("text/plain", "UNSUPPORTED_MEDIA_TYPE"),
        (
            "application/x-www-form-urlencoded",
            "UNSUPPORTED_MEDIA_TYPE",
        ),
    ] {
        let request = rig
            .request(reqwest::Method::POST, "/api/v1/payments")
            .header("content-type", kind)
            .body(body);
        assert_eq!(crate::rig::answer(request).await.code(), code, "{kind}");
    }
}

#[tokio::test]
async fn a_slow_head_is_cut_off() {
    let rig = Rig::with("server.header_timeout = \"300ms\"\n").await;
    let mut stream = TcpStream::connect(rig.running.address).await.unwrap();
    stream
        .write_all(b"GET /health/live HTTP/1.1\r\nHo")
        .await
        .unwrap();
    let started = Instant::now();
    let mut rest = Vec::new();
    let read = stream.read_to_end(&mut rest);
    tokio::time::timeout(Duration::from_secs(5), read)
        .await
        .expect("closed")
        .unwrap();
    assert!(started.elapsed() < Duration::from_secs(3));
}

#[tokio::test]
async fn connections_beyond_the_limit_wait() {
    let rig = Rig::with("server.connections_max = 1\nserver.header_timeout = \"500ms\"\n").await;
    let _idle = TcpStream::connect(rig.running.address).await.unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    let get = "GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";
    let (status, text) = exchange(rig.running.address, get).await;
    assert_eq!(status, 200, "{text}");
    assert!(
        started.elapsed() >= Duration::from_millis(300),
        "it did not wait"
    );
}
