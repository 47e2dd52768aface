//! Owns the answers to probes: whether the process lives, whether it should get requests, and who
//! does which job.

use std::sync::Arc;
use std::time::Duration;

use application::ports::repeats::Reach;
use application::ports::store::{LeaseStanding, Store};
use axum::extract::State;
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};
use super::failures::SOON;

/// How the service is.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Health {
    /// Always UP; what is not up answers with a failure or not at all.
    #[schema(example = "UP")]
    pub status: &'static str,
    /// Who this copy of the service is, where it is ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "wrk_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3")]
    pub copy: Option<String>,
    /// What this copy does.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["api", "worker"]))]
    pub roles: Vec<&'static str>,
    /// Whether this copy shares by way of Redis, UP or AWAY, where there is one to be. Nothing
    /// depends on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "UP")]
    pub redis: Option<&'static str>,
    /// Who does what only one copy of the service does at a time.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    pub jobs: Vec<Job>,
}

/// Who does a job.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    /// Which job.
    #[schema(example = "sequencer")]
    pub name: String,
    /// The copy of the service that took it last.
    pub holder: String,
    /// How often it was taken.
    pub fence: i64,
    /// Whether it still has it; otherwise the next copy takes it at any moment.
    pub held: bool,
    /// Until when it has it without a sign of life.
    pub until: DateTime<Utc>,
}

/// A store that takes longer does not serve requests well either.
const PING_TIMEOUT: Duration = Duration::from_secs(2);
const BELIEVED: Duration = Duration::from_millis(500);
const UP: Health = Health {
    status: "UP",
    copy: None,
    roles: Vec::new(),
    redis: None,
    jobs: Vec::new(),
};

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
/// Asks the store; not once the service is shutting down. Names what this copy of the service does,
/// and who does what only one copy does at a time.
#[utoipa::path(
    get,
    path = "/health/ready",
    tag = "operation",
    responses((status = 200, description = "They should", body = Success<Health>)),
)]
pub(super) async fn ready(State(api): State<Arc<Api>>) -> Result<Reply, Failure> {
    if api.drain.is_cancelled() {
        return Err(Failure::from(Code::ShuttingDown).retry_after(SOON));
    }
    let found = api.standing.told(asked(api.app.store().as_ref())).await?;
    let health = Health {
        copy: Some(api.app.worker().to_string()),
        roles: api.settings.roles.clone(),
        redis: match api.app.reach() {
            Reach::Process => None,
            Reach::Copies => Some("UP"),
            Reach::Cut => Some("AWAY"),
        },
        ..found
    };
    Reply::new(StatusCode::OK, &health)
}

async fn asked(store: &dyn Store) -> Result<Health, Failure> {
    let asked = async {
        store.ping().await?;
        store.leases().await
    };
    match timeout(PING_TIMEOUT, asked).await {
        Ok(Ok(leases)) => {
            let jobs = leases.iter().map(job).collect();
            Ok(Health { jobs, ..UP })
        }
        Ok(Err(error)) => Err(error.into()),
        Err(_) => Err(Failure::from(Code::StoreUnavailable).retry_after(SOON)),
    }
}

fn job(lease: &LeaseStanding) -> Job {
    Job {
        name: lease.job.to_string(),
        holder: lease.holder.to_string(),
        fence: lease.fence,
        held: lease.is_held,
        until: lease.until,
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
