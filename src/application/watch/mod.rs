//! Owns the watch over gateway accounts: the gateway's list is read again and again, and whatever
//! moved there that the books lack is kept as a sighting and looked at until it is settled.

mod accounts;
mod look;
mod sift;
mod walk;

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::merchant::GatewayAccount;
use domain::snapshot::{Answer, Cause};
use domain::text::PaymentKey;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tracing::{Instrument as _, debug, error, error_span, warn};

use crate::App;
use crate::ports::PaymentGateway;
use crate::ports::gateway::{Ability, Glance};
use crate::ports::store;
use crate::upkeep::earlier;

pub(crate) use look::Glimpse;

/// How far back the first watch over an account begins, at most, and how much of a backlog is
/// read before the place is kept.
const DAY: Duration = Duration::from_hours(24);
/// How many accounts are watched at once.
const AT_ONCE: usize = 8;
/// After how long no further page is read; one that is under way may take as long again.
const READING_MAX: Duration = Duration::from_mins(1);
/// How long the looks of one pass may take.
const LOOKING_MAX: Duration = Duration::from_mins(1);
/// How long an account and a sighting are held: longer than reading and looking together.
const LEASE: Duration = Duration::from_mins(5);

/// Why an account was not watched to the end; it will be, from where it was.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwatched {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the gateway does not list its movements: {0:?}")]
    Unlisted(Cause),
    #[error("the gateway's list repeats itself")]
    Endless,
    #[error("more moves in timings.watch_overlap than one pass may read")]
    Crowded,
    #[error("the gateway cannot be asked: {0:?}")]
    Unasked(Cause),
    #[error("it took too long")]
    Slow,
    #[error("the service is shutting down")]
    Stopping,
}

impl Unwatched {
    /// How long the gateway wants to be left alone.
    fn pause(&self) -> Duration {
        let (Self::Unlisted(cause) | Self::Unasked(cause)) = self else {
            return Duration::ZERO;
        };
        match cause {
            Cause::Busy {
                retry_after_seconds: Some(seconds),
            } => Duration::from_secs(u64::from(*seconds)),
            Cause::Busy {
                retry_after_seconds: None,
            }
            | Cause::NotSent
            | Cause::Lost
            | Cause::Temporary(_)
            | Cause::Conflict(_)
            | Cause::SessionGone
            | Cause::Refused(_)
            | Cause::Configuration(_)
            | Cause::Unreadable(_)
            | Cause::Mute => Duration::ZERO,
        }
    }
}

/// An account, and who serves it.
pub(crate) struct Watched<'w> {
    pub(crate) account: &'w GatewayAccount,
    pub(crate) gateway: &'w dyn PaymentGateway,
    pub(crate) now: Timestamp,
    /// Whether it is looked at only because a stranger said so.
    pub(crate) is_hinted: bool,
}

impl Watched<'_> {
    /// Asks about a payment.
    async fn asked(&self, key: &PaymentKey) -> Answer {
        if self.is_hinted {
            self.gateway.glance(Glance::Key(key)).await
        } else {
            self.gateway.payment_by_key(key).await
        }
    }
}

impl App {
    /// Watches until the process is to end.
    pub async fn watch_continuously(self: Arc<Self>) {
        let every = self.parts.timings.watch_every;
        if every.is_zero() {
            warn!(
                "timings.watch_every is zero: what others do at the gateway goes unseen, and no \
                 virtual account is asked about or closed"
            );
            return;
        }
        while !self.runner.drain.is_cancelled() {
            if let Err(error) = self.watch().await {
                warn!(%error, "no account was watched");
            }
            tokio::select! {
                () = sleep(every) => {}
                () = self.runner.drain.cancelled() => {}
            }
        }
    }

    /// One pass over every account that is due and served here, each on a task of its own.
    ///
    /// # Errors
    /// The store is away.
    pub async fn watch(self: &Arc<Self>) -> Result<(), store::Error> {
        if let Err(error) = self.sight_accounts().await {
            warn!(%error, "virtual accounts are not looked at");
        }
        let mut accounts = self.parts.store.accounts_to_watch().await?;
        // A gateway that answers no questions lists nothing either.
        accounts.retain(|account| {
            let gateway = self.parts.gateways.of(account.id);
            gateway.is_some_and(|gateway| gateway.terms().abilities.has(Ability::Answers))
        });
        let room = Arc::new(Semaphore::new(AT_ONCE));
        let begun = accounts.into_iter().map(|account| {
            let span = error_span!("watch", account = %account.id);
            let (app, room) = (Arc::clone(self), Arc::clone(&room));
            let pass = async move {
                let _place = room.acquire().await;
                app.watch_account(&account).await;
            };
            self.runner.tasks.spawn(pass.instrument(span))
        });
        for pass in begun.collect::<Vec<_>>() {
            if let Err(error) = pass.await {
                error!(%error, "a watch was cut short");
            }
        }
        self.tell_behind().await
    }

    /// An alarm while some account's place is far behind, whatever keeps it there.
    async fn tell_behind(&self) -> Result<(), store::Error> {
        let standing = self.parts.store.standing().await?;
        let far = earlier(self.parts.clock.now(), self.parts.timings.stuck_after);
        if let Some(until) = standing.until
            && until <= far
        {
            error!(%until, "the watch is behind: movements at the gateway may go unseen");
        }
        Ok(())
    }

    async fn watch_account(&self, account: &GatewayAccount) {
        let Some(gateway) = self.parts.gateways.of(account.id) else {
            return;
        };
        let now = self.parts.clock.now();
        let store = &self.parts.store;
        let begin = account.created_at.max(earlier(now, DAY));
        let from = match store.claim_watch(account.id, begin, LEASE).await {
            Ok(Some(from)) => from,
            Ok(None) => return,
            Err(error) => {
                warn!(%error, "not watched");
                return;
            }
        };
        let watched = Watched {
            account,
            gateway: gateway.as_ref(),
            now,
            is_hinted: false,
        };
        // What was seen before is looked at even where the list cannot be read.
        let reading = READING_MAX.saturating_mul(2);
        let mut pause = self.parts.timings.watch_every;
        for pass in [
            timeout(reading, self.watch_from(&watched, from)).await,
            timeout(LOOKING_MAX, self.look_at_due(&watched)).await,
        ] {
            match pass.unwrap_or(Err(Unwatched::Slow)) {
                Ok(()) => {}
                Err(Unwatched::Stopping) => debug!("the watch stops"),
                Err(why) => {
                    warn!(%why, "not watched to the end");
                    pause = pause.max(why.pause());
                }
            }
        }
        if let Err(error) = store.release_watch(account.id, pause).await {
            warn!(%error, "due again only when the lease is over");
        }
    }

    /// Awaits a question; a shutdown does not wait for its answer.
    pub(crate) async fn unless_stopping<T>(
        &self,
        asked: impl Future<Output = T>,
    ) -> Result<T, Unwatched> {
        tokio::select! {
            biased;
            () = self.runner.drain.cancelled() => Err(Unwatched::Stopping),
            answer = asked => Ok(answer),
        }
    }
}
