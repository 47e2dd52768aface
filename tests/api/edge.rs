//! Bytes without a client library, and how many connections may bring them.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::rig::Rig;

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
