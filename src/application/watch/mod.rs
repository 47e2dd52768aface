//! Owns the watch over gateway accounts: the gateway's list is read again and again, and whatever
//! moved there that the books lack is looked at. How far is durable, and never past what is open.

mod look;
mod sift;

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use domain::Timestamp;
use domain::merchant::GatewayAccount;
use domain::snapshot::Cause;
use tokio::time::sleep;
use tracing::{Instrument as _, debug, error, error_span, warn};

use crate::App;
use crate::idempotency::later;
use crate::ports::store;
use crate::ports::{Finding, PaymentGateway};
use crate::upkeep::earlier;

pub(crate) use look::Alarmed;
use look::Looked;

/// How far back the first watch over an account begins, at most. How much of a backlog is read
/// before the place is kept. How long something that cannot be booked yet is looked for again.
const DAY: Duration = Duration::from_hours(24);
/// How far into the future the list is read: the gateway's clock may be ahead of ours.
const AHEAD: Duration = Duration::from_mins(1);
/// How many accounts are watched at once.
const AT_ONCE: usize = 8;

/// Why an account was not watched to the end; it will be, from where it was.
#[derive(Debug, thiserror::Error)]
enum Unwatched {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("the gateway does not list its movements: {0:?}")]
    Unlisted(Cause),
    #[error("the gateway's list does not come to an end")]
    Endless,
    #[error("the gateway cannot be asked")]
    Unasked,
    #[error("the service is shutting down")]
    Stopping,
}

/// An account, who serves it, and what of its list is read.
struct Watched<'w> {
    account: &'w GatewayAccount,
    gateway: &'w dyn PaymentGateway,
    now: Timestamp,
    /// Until when it was watched before.
    begin: Timestamp,
    /// What is read now, which overlaps.
    within: Range<Timestamp>,
}

impl App {
    /// Watches until the process is to end.
    pub async fn watch_continuously(self: Arc<Self>) {
        while !self.runner.drain.is_cancelled() {
            if let Err(error) = self.watch().await {
                warn!(%error, "no account was watched");
            }
            tokio::select! {
                () = sleep(self.parts.timings.watch_every) => {}
                () = self.runner.drain.cancelled() => {}
            }
        }
    }

    /// One pass over every account that is due and served here, each on a task of its own.
    ///
    /// # Errors
    /// The store is away.
    pub async fn watch(self: &Arc<Self>) -> Result<(), store::Error> {
        let mut accounts = self.parts.store.accounts_to_watch().await?;
        accounts.retain(|account| self.parts.gateways.of(account.id).is_some());
        for some in accounts.chunks(AT_ONCE) {
            let begun = some.iter().map(|account| {
                let span = error_span!("watch", account = %account.id);
                let (app, account) = (Arc::clone(self), account.clone());
                let pass = async move { app.watch_account(&account).await };
                self.runner.tasks.spawn(pass.instrument(span))
            });
            for pass in begun.collect::<Vec<_>>() {
                if let Err(error) = pass.await {
                    error!(%error, "a watch was cut short");
                }
            }
        }
        Ok(())
    }

    async fn watch_account(&self, account: &GatewayAccount) {
        let now = self.parts.clock.now();
        let store = &self.parts.store;
        let begin = account.created_at.max(earlier(now, DAY));
        let every = self.parts.timings.watch_every;
        let from = match store.claim_watch(account.id, begin, every).await {
            Ok(Some(from)) => from,
            Ok(None) => return,
            Err(error) => {
                warn!(%error, "not watched");
                return;
            }
        };
        let behind = now.signed_duration_since(from);
        let behind_seconds = behind.num_seconds();
        match self.watch_from(account, from, now).await {
            Ok(()) => {}
            Err(Unwatched::Stopping) => debug!("the watch stops"),
            Err(why) if self.is_long(behind) => {
                error!(%why, behind_seconds, "the watch falls behind: movements may go unseen");
            }
            Err(why) => warn!(%why, behind_seconds, "not watched to the end"),
        }
    }

    fn is_long(&self, behind: TimeDelta) -> bool {
        let long = self.parts.timings.stuck_after;
        behind.to_std().is_ok_and(|behind| behind >= long)
    }

    /// Reads the list from where the account was watched until now, a day at a time.
    async fn watch_from(
        &self,
        account: &GatewayAccount,
        mut from: Timestamp,
        now: Timestamp,
    ) -> Result<(), Unwatched> {
        let Some(gateway) = self.parts.gateways.of(account.id) else {
            return Ok(());
        };
        let mut held: Option<Timestamp> = None;
        // A clock that was set back has nothing ahead of it.
        let mut begin = from.min(now);
        loop {
            let reached = later(begin, DAY).min(now);
            let overlap = self.parts.timings.watch_overlap;
            let watched = Watched {
                account,
                gateway: gateway.as_ref(),
                now,
                begin,
                within: earlier(begin, overlap)..later(reached, AHEAD),
            };
            if let Some(open) = self.walk(&watched).await? {
                held = Some(held.map_or(open, |held| held.min(open)));
            }
            let until = held.map_or(reached, |held| held.min(reached));
            let store = &self.parts.store;
            if !store.move_watch(account.id, from, until).await? {
                debug!("another process has watched meanwhile");
                return Ok(());
            }
            if reached >= now {
                return Ok(());
            }
            (from, begin) = (until, reached);
        }
    }

    /// Reads one stretch of the list to its end; since when something in it is open.
    async fn walk(&self, watched: &Watched<'_>) -> Result<Option<Timestamp>, Unwatched> {
        let rows = self.parts.bounds.watch_rows;
        let mut after = None;
        let mut held: Option<Timestamp> = None;
        loop {
            let asked = watched
                .gateway
                .movements(&watched.within, after.as_ref(), rows);
            let page = self.unless_stopping(asked).await?;
            let page = page.map_err(Unwatched::Unlisted)?;
            // A short page may have been cut: only an empty one is the end.
            let Some(next) = page.next else {
                return Ok(held);
            };
            if after.as_ref() == Some(&next) {
                return Err(Unwatched::Endless);
            }
            if page.unreadable > 0 {
                let why = format!("{} of its lines are unreadable", page.unreadable);
                self.alarm(watched, &"the list", &why);
            }
            for sighting in self.unbooked(watched, &page.listed).await? {
                let since = sighting.since;
                match self.look(watched, &sighting).await? {
                    Looked::Settled => {}
                    Looked::Later(_) if since > earlier(watched.now, DAY) => {
                        held = Some(held.map_or(since, |held| held.min(since)));
                    }
                    Looked::Later(why) => {
                        self.alarm(watched, &sighting.key, &format!("open for a day: {why}"));
                    }
                }
            }
            after = Some(next);
        }
    }

    /// Awaits a question; a shutdown does not wait for its answer.
    async fn unless_stopping<T>(&self, asked: impl Future<Output = T>) -> Result<T, Unwatched> {
        tokio::select! {
            biased;
            () = self.runner.drain.cancelled() => Err(Unwatched::Stopping),
            answer = asked => Ok(answer),
        }
    }

    /// Says once that something at the gateway needs a person.
    fn alarm(&self, watched: &Watched<'_>, about: &dyn std::fmt::Display, why: &str) {
        let account = watched.account.id;
        if self.alarmed.is_news(format!("{account} {about} {why}")) {
            error!(%about, why, "money at the gateway that is not booked: look into it");
            self.parts.tally.found(Finding::Strange);
        }
    }
}
