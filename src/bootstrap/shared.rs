//! Owns what copies of the service share, where there is a Redis, and what stands in where there is
//! none.

use std::sync::Arc;

use application::events::Bell;
use application::ports::{RateLimiter, Repeats};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::adapters::limiter::Buckets;
use crate::adapters::repeats::InProcess;
use crate::adapters::telemetry::Metrics;
use crate::config::Config;

/// What copies share, or each has for itself.
pub(super) struct Shared {
    pub(super) limiter: Arc<dyn RateLimiter>,
    pub(super) repeats: Arc<dyn Repeats>,
    #[cfg(feature = "redis")]
    link: Option<Arc<crate::adapters::redis::Link>>,
}

impl Shared {
    /// Each copy is by itself.
    fn alone(config: &Config) -> Self {
        let under_way_max = config.redis.under_way_max.duration();
        Self {
            limiter: Arc::new(Buckets::default()),
            repeats: Arc::new(InProcess::new(under_way_max)),
            #[cfg(feature = "redis")]
            link: None,
        }
    }
}

/// How Redis is reached.
#[cfg(feature = "redis")]
pub(super) fn settings(config: &Config) -> crate::adapters::redis::Settings {
    let redis = &config.redis;
    crate::adapters::redis::Settings {
        url: redis.url.as_str().into(),
        connect_timeout: redis.connect_timeout.duration(),
        response_timeout: redis.response_timeout.duration(),
        prefix: redis.prefix.clone(),
        under_way_max: redis.under_way_max.duration(),
        answers_kept: redis.answers_kept.duration(),
    }
}

#[cfg(feature = "redis")]
impl Shared {
    /// What the settings say. A Redis that is away keeps nobody from starting.
    pub(super) async fn open(config: &Config, metrics: &Arc<Metrics>) -> anyhow::Result<Self> {
        use anyhow::Context as _;

        use crate::adapters::redis::{Limits, Link, Shared as InRedis};

        let redis = &config.redis;
        if redis.url.is_empty() {
            return Ok(Self::alone(config));
        }
        let observer = Arc::<Metrics>::clone(metrics);
        let link = Arc::new(Link::new(settings(config), observer).context("redis.url")?);
        link.connect().await;
        let pouch = Arc::new(super::vault::masters(config)?.pouch());
        Ok(Self {
            limiter: Arc::new(Limits::new(Arc::clone(&link), Arc::clone(&pouch))),
            repeats: Arc::new(InRedis::new(Arc::clone(&link), pouch)),
            link: Some(link),
        })
    }

    /// Begins what it takes, until the process is to end.
    pub(super) fn begin(self, bell: &Arc<Bell>, work: &TaskTracker, drain: &CancellationToken) {
        use crate::adapters::redis::Chime;

        let Some(link) = self.link else { return };
        let chime = Arc::new(Chime::new(Arc::clone(&link), Arc::clone(bell)));
        work.spawn(link.keep(drain.clone()));
        work.spawn(Arc::clone(&chime).ring_continuously(drain.clone()));
        work.spawn(chime.hear_continuously(drain.clone()));
    }
}

#[cfg(not(feature = "redis"))]
impl Shared {
    /// A build without Redis has nothing to share by.
    #[expect(clippy::unused_async, reason = "with Redis it waits for a connection")]
    pub(super) async fn open(config: &Config, _: &Arc<Metrics>) -> anyhow::Result<Self> {
        anyhow::ensure!(
            config.redis.url.is_empty(),
            "redis.url is set, and this build knows no Redis: it lacks the feature redis"
        );
        Ok(Self::alone(config))
    }

    /// There is nothing to be begun.
    #[expect(clippy::unused_self, reason = "with Redis it holds the connection")]
    pub(super) fn begin(self, _: &Arc<Bell>, _: &TaskTracker, _: &CancellationToken) {}
}
