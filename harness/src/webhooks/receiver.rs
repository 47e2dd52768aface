//! Owns a receiver that answers at once: as little HTTP as a sender needs.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::effects::{Book, Told};

const ANSWER: &[u8] = b"HTTP/1.1 204 No Content\r\n\r\n";
/// Above a whole message with its head.
const BUFFER_BYTES: usize = 32 * 1024;

/// What arrived.
#[derive(Default)]
pub(crate) struct Arrived {
    /// How often each message came, by its id.
    pub(crate) messages: HashMap<String, u64>,
    /// When the first one came.
    pub(crate) first: Option<Instant>,
    /// When the newest one came.
    pub(crate) last: Option<Instant>,
    /// What their effects are kept in, where they have any.
    pub(crate) book: Option<Book>,
}

/// A receiver that listens. Dropping it stops it.
pub(crate) struct Receiver {
    /// Where.
    pub(crate) address: SocketAddr,
    arrived: Arc<Mutex<Arrived>>,
    _listens: JoinSet<()>,
}

impl Receiver {
    /// One that counts what comes.
    pub(crate) async fn open() -> anyhow::Result<Self> {
        Self::keeping(None).await
    }

    /// One that also has an effect of each message, and marks it.
    pub(crate) async fn with_effects() -> anyhow::Result<Self> {
        Self::keeping(Some(Book::in_memory()?)).await
    }

    async fn keeping(book: Option<Book>) -> anyhow::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let arrived = Arc::new(Mutex::new(Arrived {
            book,
            ..Arrived::default()
        }));
        let mut listens = JoinSet::new();
        let kept = Arc::clone(&arrived);
        listens.spawn(async move {
            let mut talks = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let arrived = Arc::clone(&kept);
                talks.spawn(async move {
                    // Whoever hangs up is done.
                    drop(talk(stream, &arrived).await);
                });
                while talks.try_join_next().is_some() {}
            }
        });
        Ok(Self {
            address,
            arrived,
            _listens: listens,
        })
    }

    /// Looks at what has arrived.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&Arrived) -> T) -> T {
        look(&self.arrived.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Forgets what has arrived.
    pub(crate) fn forget(&self) {
        let mut arrived = self.arrived.lock().unwrap_or_else(PoisonError::into_inner);
        *arrived = Arrived {
            book: arrived.book.take(),
            ..Arrived::default()
        };
    }
}

/// Answers one connection's messages until it ends.
async fn talk(mut stream: TcpStream, arrived: &Mutex<Arrived>) -> anyhow::Result<()> {
    stream.set_nodelay(true)?;
    let mut buffer = Vec::with_capacity(BUFFER_BYTES);
    loop {
        let Some((id, body, length)) = head(&buffer)? else {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
            continue;
        };
        while buffer.len() < length {
            if stream.read_buf(&mut buffer).await? == 0 {
                return Ok(());
            }
        }
        let now = Instant::now();
        {
            let mut arrived = arrived.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(book) = &mut arrived.book {
                let told = Told::read(buffer.get(body..length).unwrap_or_default())?;
                book.take(&[told])?;
            }
            let times = arrived.messages.entry(id).or_default();
            *times = times.saturating_add(1);
            arrived.first.get_or_insert(now);
            arrived.last = Some(now);
        }
        buffer.drain(..length);
        stream.write_all(ANSWER).await?;
    }
}

/// A message's id, where its body begins, and how long it is with its head; none while the head is
/// not whole.
fn head(buffer: &[u8]) -> anyhow::Result<Option<(String, usize, usize)>> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(buffer.get(..end).unwrap_or_default())?;
    let of = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(": "));
        lines
            .find(|(name, _)| name.eq_ignore_ascii_case(wanted))
            .map(|(_, value)| value)
    };
    let id = of("webhook-id").context("a message without an id")?;
    let bytes: usize = of("content-length").context("no length")?.parse()?;
    let body = end.saturating_add(4);
    Ok(Some((id.to_owned(), body, body.saturating_add(bytes))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_as_long_as_its_head_says() {
        let message = b"POST / HTTP/1.1\r\nWebhook-Id: a-1\r\ncontent-length: 2\r\n\r\n{}rest";
        let (id, body, length) = head(message).unwrap().unwrap();
        assert_eq!((id.as_str(), &message[body..length]), ("a-1", &b"{}"[..]));
        assert_eq!(&message[length..], b"rest");
        assert!(head(b"POST / HTTP/1.1\r\nwebhook-id: a").unwrap().is_none());
        assert!(head(b"POST / HTTP/1.1\r\n\r\n").is_err());
    }
}
