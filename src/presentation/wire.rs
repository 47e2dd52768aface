//! Owns the bytes of one connection: what the HTTP library says by itself gets a code and a trace
//! id, a refusal reaches a client that still sends, and a client that does not read is cut off.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use application::trace::begun;
use axum::http::HeaderValue;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};
use tracing::info;

use super::catalogue::Code;
use super::envelope::{Failure, Unrendered};
use super::manner::Manner;
use super::middleware::{TRACE_ID, harmless};

/// What the library answers to bytes that are no request: a status line, and no body.
const BY_ITSELF: [(&[u8], Code); 2] = [
    (b"HTTP/1.1 400 ", Code::RequestMalformed),
    (b"HTTP/1.1 431 ", Code::HeadTooLarge),
];
const HEAD_END: &[u8] = b"\r\n\r\n";
/// How much of what a refused client still sends is taken, so that it comes to read why.
const LINGER_BYTES_MAX: usize = 256 * 1024;
/// How long such a client is waited for.
const LINGER: Duration = Duration::from_millis(500);

/// A connection, as the HTTP library sees it.
pub(super) struct Wire<S> {
    stream: S,
    /// What is said instead of the library's own words, and how much of it is written.
    instead: Vec<u8>,
    written: usize,
    stall_max: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
    lingering: Option<Pin<Box<Sleep>>>,
    lingered_bytes: usize,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    /// Over `stream`; a client may leave an answer unread for as long as `stall_max`.
    pub(super) const fn new(stream: S, stall_max: Duration) -> Self {
        Self {
            stream,
            instead: Vec::new(),
            written: 0,
            stall_max,
            stalled: None,
            lingering: None,
            lingered_bytes: 0,
        }
    }

    /// What became of a write, unless writing has been stuck for too long.
    fn unless_stalled<T>(
        &mut self,
        cx: &mut Context<'_>,
        poll: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let limit = self.stall_max;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(limit)));
        ready!(stalled.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }

    fn poll_instead(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(rest @ [_, ..]) = self.instead.get(self.written..) {
            let poll = Pin::new(&mut self.stream).poll_write(cx, rest);
            let count = ready!(self.unless_stalled(cx, poll))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written = self.written.saturating_add(count);
        }
        Poll::Ready(Ok(()))
    }

    /// Takes what the client still sends: a socket that is closed with bytes unread resets the
    /// connection, and the client may never see its answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let lingering = self
            .lingering
            .get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if lingering.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut space = [0; 4096];
        while self.lingered_bytes < LINGER_BYTES_MAX {
            let mut taken = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut taken)) {
                Ok(()) if !taken.filled().is_empty() => {
                    self.lingered_bytes = self.lingered_bytes.saturating_add(taken.filled().len());
                }
                Ok(()) | Err(_) => break,
            }
        }
        Poll::Ready(())
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Wire<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, space)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Wire<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_instead(cx))?;
        if let Some(instead) = instead_of(bytes) {
            self.instead = instead;
            self.written = 0;
            return Poll::Ready(Ok(bytes.len()));
        }
        let poll = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.unless_stalled(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let mut filled = slices.iter().filter(|slice| !slice.is_empty());
        if let (Some(only), None) = (filled.next(), filled.next()) {
            return self.poll_write(cx, only);
        }
        ready!(self.poll_instead(cx))?;
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.unless_stalled(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_instead(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(self.poll_instead(cx))?;
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        self.poll_linger(cx).map(Ok)
    }
}

/// A whole answer in the place of one that the library gives by itself.
///
/// Every answer of ours carries a trace id in its head, and no body of ours can end a line with CR
/// LF: JSON escapes both.
fn instead_of(bytes: &[u8]) -> Option<Vec<u8>> {
    let by_itself = |(start, _): &&(&[u8], Code)| bytes.starts_with(start);
    let (_, code) = BY_ITSELF.iter().find(by_itself)?;
    let head = std::str::from_utf8(bytes.strip_suffix(HEAD_END)?).ok()?;
    if head.contains(TRACE_ID.as_str()) || head.contains("\r\n\r\n") {
        return None;
    }
    let trace = begun().id().to_string();
    let unrendered = Unrendered::Failure(Box::new(Failure::from(*code)));
    let rendered = Manner::PLAIN.render(&unrendered, &trace);
    let mut lines: Vec<String> = head
        .split("\r\n")
        .filter(|line| !line.to_ascii_lowercase().starts_with("content-length:"))
        .map(str::to_owned)
        .collect();
    let length = HeaderValue::from(rendered.body.len());
    lines.push(format!(
        "content-length: {}",
        length.to_str().unwrap_or("0")
    ));
    lines.push(format!("{TRACE_ID}: {trace}"));
    for (name, value) in rendered.described().into_iter().chain(harmless()) {
        lines.push(format!("{name}: {value}"));
    }
    info!(trace_id = %trace, code = code.as_str(), "bytes that are no request");
    Some(format!("{}\r\n\r\n{}", lines.join("\r\n"), rendered.body).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_library_says_by_itself_is_replaced() {
        let own = b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\n\
                    content-length: 0\r\ndate: now\r\n\r\n";
        let instead = String::from_utf8(instead_of(own).unwrap()).unwrap();
        let (head, body) = instead.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 431 "), "{head}");
        assert!(
            head.contains("connection: close\r\ndate: now\r\n"),
            "{head}"
        );
        assert_eq!(head.matches("content-length").count(), 1, "{head}");
        assert!(
            head.contains(&format!("content-length: {}", body.len())),
            "{head}"
        );
        assert!(body.contains("\"HEAD_TOO_LARGE\""), "{body}");
        for ours in [
            "HTTP/1.1 400 Bad Request\r\nx-trace-id: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n{}",
            "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 400 ",
        ] {
            assert_eq!(instead_of(ours.as_bytes()), None, "{ours}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_client_that_does_not_read_is_cut_off() {
        use tokio::io::AsyncWriteExt as _;
        let (server, _client) = tokio::io::duplex(16);
        let mut wire = Wire::new(server, Duration::from_secs(30));
        let begun = tokio::time::Instant::now();
        let error = wire.write_all(&[0; 64]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        assert_eq!(begun.elapsed().as_secs(), 30);
    }
}
