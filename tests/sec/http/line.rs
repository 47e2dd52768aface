//! A connection of raw bytes, and what is heard on it.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// Above every timeout of the rig.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long an open connection is listened to for what must not come.
const SILENCE: Duration = Duration::from_millis(120);

/// A connection.
pub(super) struct Line {
    stream: TcpStream,
    heard: Vec<u8>,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Said {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) text: String,
    pub(super) body: Value,
}

impl Said {
    pub(super) fn header(&self, name: &str) -> &str {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let mut values = lines.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        values.next().map_or("", |(_, value)| value)
    }
}

impl Line {
    pub(super) async fn open(address: SocketAddr) -> Self {
        Self {
            stream: TcpStream::connect(address).await.unwrap(),
            heard: Vec::new(),
        }
    }

    /// The server may answer and close before it has read everything.
    pub(super) async fn send(&mut self, bytes: &[u8], ends: bool) {
        drop(self.stream.write_all(bytes).await);
        if ends {
            drop(self.stream.shutdown().await);
        }
    }

    /// As many answers as are expected, and what comes after them; whether the server closed.
    pub(super) async fn hear(&mut self, expected: usize) -> (Vec<Said>, bool) {
        let mut said = Vec::new();
        loop {
            while let Some(answer) = self.next() {
                said.push(answer);
            }
            let idle = !said.is_empty() && said.len() >= expected;
            let patience = if idle { SILENCE } else { PATIENCE };
            let mut chunk = [0; 4096];
            match timeout(patience, self.stream.read(&mut chunk)).await {
                Ok(Ok(count @ 1..)) => self.heard.extend_from_slice(&chunk[..count]),
                Ok(Ok(0) | Err(_)) => return (said, true),
                Err(_) => return (said, false),
            }
        }
    }

    /// Takes a whole answer out of what was heard.
    fn next(&mut self) -> Option<Said> {
        let end = self
            .heard
            .windows(4)
            .position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8(self.heard[..end].to_vec()).unwrap();
        let status = head.get(9..12).unwrap().parse().unwrap();
        let mut said = Said {
            status,
            head,
            text: String::new(),
            body: Value::Null,
        };
        let length: usize = said.header("content-length").parse().unwrap_or(0);
        let begin = end.checked_add(4)?;
        let whole = begin.checked_add(length)?;
        let body = self.heard.get(begin..whole)?;
        said.text = String::from_utf8(body.to_vec()).unwrap();
        said.body = serde_json::from_str(&said.text).unwrap_or_default();
        self.heard.drain(..whole);
        Some(said)
    }
}
