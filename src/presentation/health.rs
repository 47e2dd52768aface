//! Owns the answers to probes: whether the process lives, and whether it should get requests.

use std::sync::Arc;
use std::time::Duration;

use application::ports::store::Store;
use axum::extract::State;
use axum::http::StatusCode;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::Api;
use super::bodies::{Health, Success};
use super::catalogue::Code;
use super::envelope::{Failure, Reply};

/// A store that takes longer does not serve requests well either.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
const BELIEVED: Duration = Duration::from_millis(500);
const UP: Health = Health { status: "UP" };

/// Tell whether the process lives
#[utoipa::path(
    get,
    path = "/health/live",
    tag = "operation",
    responses((status = 200, description = "It does", body = Success<Health>)),
)]
pub(super) async fn live() -> Result<Reply, Failure> {
    Reply::new(StatusCode::OK, &UP)
}

/// Tell whether requests should be sent here
///
/// Asks the store; not once the service is shutting down.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    responses((status = 200, description = "They should", body = Success<Health>)),
)]
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<Reply, Failure> {
    if api.drain.is_cancelled() {
        return Err(Code::ShuttingDown.into());
    }
    let health = api.standing.told(asked(api.app.store().as_ref())).await?;
    Reply::new(StatusCode::OK, &health)
}

async fn asked(store: &dyn Store) -> Result<Health, Failure> {
    match timeout(PING_TIMEOUT, store.ping()).await {
        Ok(Ok(())) => Ok(UP),
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Code::StoreUnavailable.into()),
    }
}

/// What the store was last found to be. Anybody may probe, and no flood of probes takes more than
/// one of the connections that payments need, a few times a second.
#[derive(Debug, Default)]
pub(super) struct Standing(Mutex<Option<(Instant, Result<Health, Failure>)>>);

impl Standing {
    /// As it was found a moment ago, or as `asked` finds it; others wait for that.
    async fn told(
        &self,
        asked: impl Future<Output = Result<Health, Failure>>,
    ) -> Result<Health, Failure> {
        let mut last = self.0.lock().await;
        if let Some((at, told)) = last.as_ref()
            && at.elapsed() < BELIEVED
        {
            return told.clone();
        }
        let told = asked.await;
        *last = Some((Instant::now(), told.clone()));
        told
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_flood_of_probes_asks_once() {
        let (standing, asks) = (Arc::new(Standing::default()), Arc::new(AtomicU32::new(0)));
        let flood = async || {
            let mut probes = tokio::task::JoinSet::new();
            for _ in 0..100 {
                let (standing, asks) = (Arc::clone(&standing), Arc::clone(&asks));
                probes.spawn(async move {
                    let asked = async {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        asks.fetch_add(1, Ordering::Relaxed);
                        Err(Code::StoreUnavailable.into())
                    };
                    standing.told(asked).await.is_err()
                });
            }
            assert_eq!(probes.join_all().await, vec![true; 100]);
            asks.load(Ordering::Relaxed)
        };
        assert_eq!(flood().await, 1);
        tokio::time::advance(BELIEVED).await;
        assert_eq!(flood().await, 2);
    }
}
