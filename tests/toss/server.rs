//! Owns a gateway made of raw bytes: it reads requests, does what it is told, and counts arrivals.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

/// What to do with one request.
#[derive(Clone, Debug)]
pub(crate) enum Deed {
    /// Answer, and keep the connection.
    Say(Vec<u8>),
    /// Answer, and close the connection.
    SayAndClose(Vec<u8>),
    /// Close the connection.
    Close,
    /// Keep the connection and say nothing.
    Nothing,
    /// Answer this, and never go on.
    SayAndHang(Vec<u8>),
    /// Answer this, then a blank every now and then.
    SayAndDrip(Vec<u8>),
}

/// A listening gateway; it ends with its runtime.
pub(crate) struct Server {
    pub(crate) url: String,
    arrivals: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Does `deeds` one after the other, whichever connection asks; then the last one for ever.
    pub(crate) async fn start(deeds: Vec<Deed>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let arrivals = Arc::new(Mutex::new(Vec::new()));
        let deeds = Arc::new(Mutex::new(deeds));
        let tasks = TaskTracker::new();
        let noted = Arc::clone(&arrivals);
        tasks.clone().spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tasks.spawn(serve(stream, Arc::clone(&noted), Arc::clone(&deeds)));
            }
        });
        Self { url, arrivals }
    }

    /// The requests so far, as they came.
    pub(crate) fn arrivals(&self) -> Vec<String> {
        self.arrivals.lock().unwrap().clone()
    }
}

async fn serve(
    mut stream: TcpStream,
    arrivals: Arc<Mutex<Vec<String>>>,
    deeds: Arc<Mutex<Vec<Deed>>>,
) {
    while let Some(request) = read_request(&mut stream).await {
        arrivals.lock().unwrap().push(request);
        let deed = {
            let mut deeds = deeds.lock().unwrap();
            if deeds.len() > 1 {
                deeds.remove(0)
            } else {
                deeds[0].clone()
            }
        };
        match deed {
            Deed::Say(bytes) => stream.write_all(&bytes).await.unwrap(),
            Deed::SayAndClose(bytes) => {
                // The client may have gone before the end of a long answer.
                let _ = stream.write_all(&bytes).await;
                return;
            }
            Deed::Close => return,
            Deed::Nothing => tokio::time::sleep(Duration::from_mins(1)).await,
            Deed::SayAndDrip(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                while stream.write_all(b" ").await.is_ok() {
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
                return;
            }
            Deed::SayAndHang(bytes) => {
                stream.write_all(&bytes).await.unwrap();
                tokio::time::sleep(Duration::from_mins(1)).await;
            }
        }
    }
}

/// One request with its body; `None` when the connection is over.
async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let mut chunk = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(head) = text.find("\r\n\r\n") {
            let length = text[..head]
                .lines()
                .find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length:")?
                        .trim()
                        .parse()
                        .ok()
                })
                .unwrap_or(0_usize);
            if text[head..].len() >= length.saturating_add(4) {
                return Some(text);
            }
        }
        let count = stream.read(&mut chunk).await.ok()?;
        if count == 0 {
            return None;
        }
        bytes.extend_from_slice(&chunk[..count]);
    }
}

/// An answer with the headers it needs.
pub(crate) fn answer(status: &str, content_type: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// A JSON answer.
pub(crate) fn json(status: &str, body: &str) -> Vec<u8> {
    answer(status, "application/json;charset=UTF-8", body)
}
