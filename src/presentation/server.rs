//! Owns the sockets: header timeout, header and connection limits, graceful drain.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulConnection, GracefulShutdown};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;
use tracing::{debug, warn};

use super::origin::Peer;
use super::wire::Wire;

/// The head of a request fits in here, or is refused with 431.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// What one connection may hold in memory unread.
const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// The pause after an accept that failed for want of file handles or memory.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// What a server lets its clients do.
#[derive(Clone, Debug)]
pub struct Limits {
    /// How long a request's head may take, and a connection stay idle.
    pub header_timeout: Duration,
    /// How long a client may leave an answer unread.
    pub write_timeout: Duration,
    /// How many headers a request may have.
    pub headers_max: usize,
    /// How many connections there may be; the rest wait to be accepted.
    pub connections_max: usize,
    /// How long requests get to finish once the server is to stop.
    pub drain: Duration,
}

/// Serves until `stop`, then lets the requests under way finish.
pub async fn serve(listener: TcpListener, router: Router, limits: Limits, stop: CancellationToken) {
    let connections = Arc::new(Semaphore::new(limits.connections_max));
    let tasks = TaskTracker::new();
    let graceful = GracefulShutdown::new();
    while let Some(accepted) = accept(&listener, &connections, &stop).await {
        let (stream, peer, permit) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                warn!(%error, "connection not accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let connection = connection(stream, peer.ip(), router.clone(), &limits);
        let connection = graceful.watch(connection);
        tasks.spawn(async move {
            if let Err(error) = connection.await {
                debug!(%error, "connection ended badly");
            }
            drop(permit);
        });
    }
    drop(listener);
    tasks.close();
    if tokio::time::timeout(limits.drain, graceful.shutdown())
        .await
        .is_err()
    {
        warn!("requests are still under way after the drain; left to recovery");
    }
}

/// One connection: whatever bytes come over `stream` are answered as a client at `peer` is.
pub fn connection<S: AsyncRead + AsyncWrite + Unpin + 'static>(
    stream: S,
    peer: IpAddr,
    router: Router,
    limits: &Limits,
) -> impl GracefulConnection<Error = hyper::Error> + use<S> {
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        router.clone().call(request)
    });
    let wire = Wire::new(stream, limits.write_timeout);
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.headers_max)
        .max_header_size(HEAD_BYTES_MAX)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(wire), service)
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

/// The next connection; none once the server is to stop.
async fn accept(
    listener: &TcpListener,
    connections: &Arc<Semaphore>,
    stop: &CancellationToken,
) -> Option<io::Result<Accepted>> {
    let next = async {
        let permit = Arc::clone(connections).acquire_owned().await;
        let permit = permit.map_err(io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        // Answers are small and written whole; waiting for more to send only delays them.
        stream.set_nodelay(true)?;
        Ok((stream, peer, permit))
    };
    tokio::select! {
        () = stop.cancelled() => None,
        accepted = next => Some(accepted),
    }
}
