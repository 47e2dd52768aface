//! Owns driving the call of a billing key: to issue it or to delete it, until that is over or has
//! to wait longer than anybody is willing to; and taking up what others left.

use std::sync::Arc;
use std::time::Duration;

use domain::billing::{BillingKey, Call, Heard, Issued as Moved, Stored, Work};
use domain::decline::Decline;
use domain::snapshot::Cause;
use domain::{Timestamp, billing::Stage};
use tokio::time::{Instant, sleep};
use tracing::{error, info, warn};

use super::sealed::{AUTH_KEY, BILLING_KEY, Spot};
use crate::crash::crash_point;
use crate::idempotency::later;
use crate::patience::Patience;
use crate::ports::PaymentGateway;
use crate::ports::gateway::{DeleteCall, Deleted, IssueCall, Issued, NewKey};
use crate::ports::store;
use crate::ports::vault::{self, Secret};
use crate::{App, Runner};

/// Keys take up this share of the places of recovery at most: money is waited for, too.
const SHARE: usize = 4;

/// The pause between calls that were refused too often.
const DAILY: Duration = Duration::from_hours(24);

/// What a call came to.
enum Came {
    /// The gateway made this.
    Made(Box<NewKey>),
    /// The gateway has it no more.
    Gone,
    /// It refuses for good.
    Refused(Decline),
    /// Not known; not tried again before.
    Nothing(Heard, Option<Timestamp>),
}

impl App {
    /// One pass over the keys whose call is due and that nobody works on; how many it took.
    ///
    /// # Errors
    /// The store is away.
    pub async fn recover_billing_keys(self: &Arc<Self>) -> Result<usize, store::Error> {
        let free = self.recovered.available_permits() / SHARE;
        let free = u32::try_from(free).unwrap_or(u32::MAX);
        let limit = free.min(self.parts.bounds.pass_rows);
        if limit == 0 {
            return Ok(0);
        }
        let (now, hold) = (self.parts.clock.now(), self.runner.hold());
        let claimed = self
            .parts
            .store
            .claim_billing_keys(now, hold, limit)
            .await?;
        let taken = claimed.len();
        for key in claimed {
            let Ok(permit) = Arc::clone(&self.recovered).acquire_owned().await else {
                break;
            };
            let app = Arc::clone(self);
            self.runner.tasks.spawn(async move {
                app.runner.work(key, &Patience::of(Duration::ZERO)).await;
                drop(permit);
            });
        }
        Ok(taken)
    }
}

impl Runner {
    /// Works on a key that this worker holds, until its call is over or would wait past
    /// `patience`.
    pub(crate) async fn work(&self, key: BillingKey, patience: &Patience) {
        let mut key = key;
        while let Some((call, work)) = key.work() {
            let (work, due) = (*work, work.due_at);
            if self.drain.is_cancelled() || !self.is_time(&key, due, patience).await {
                self.let_key_go(&key).await;
                return;
            }
            let next = if let Some(gateway) = self.parts.gateways.of(key.account) {
                self.called(&key, (call, work), gateway.as_ref()).await
            } else {
                warn!(account = %key.account, "no gateway is configured");
                self.put_off(&key, work, (Heard::Nothing, None)).await
            };
            match next {
                Some(next) => key = next,
                None => return,
            }
        }
        info!(billing_key = %key.id, status = %key.status(), "billing key settled");
    }

    /// One call, and what it means; `None` when somebody else has the key, or the store is away.
    async fn called(
        &self,
        key: &BillingKey,
        (call, work): (Call, Work),
        gateway: &dyn PaymentGateway,
    ) -> Option<BillingKey> {
        let version = gateway.terms().credential_version;
        let now = self.parts.clock.now();
        // Committed before the call: whoever comes after us knows that it may be under way.
        let intended = match work.intended(version, &self.parts.policy, now) {
            Ok(intended) => intended,
            Err(waits) => return self.key_moved(key, key.clone().working(waits).ok()?).await,
        };
        let key = self
            .key_moved(key, key.clone().working(intended).ok()?)
            .await?;
        crash_point!("card.before_call");
        let came = match call {
            Call::Issue => self.issue(&key, &intended, gateway).await,
            Call::Delete => self.delete(&key, &intended, gateway).await,
        };
        crash_point!("card.after_call");
        match came {
            Came::Made(made) => self.made(&key, intended, &made).await,
            Came::Gone => self.key_moved(&key, key.clone().deleted().ok()?).await,
            Came::Refused(decline) if call == Call::Issue => {
                self.key_moved(&key, key.clone().failed(decline).ok()?)
                    .await
            }
            // A card that is to go stays to go; who is refused for good asks once a day, while
            // operators are told.
            Came::Refused(decline) => {
                error!(billing_key = %key.id, code = decline.code, "the gateway keeps the key");
                let often = intended.n >= self.parts.policy.keys_max;
                let pause = often.then(|| later(self.parts.clock.now(), DAILY));
                self.put_off(&key, intended, (Heard::Error, pause)).await
            }
            Came::Nothing(Heard::Error, _)
                if call == Call::Issue && intended.n >= self.parts.policy.keys_max =>
            {
                let failed = key.clone().failed(Decline::never_issued());
                self.key_moved(&key, failed.ok()?).await
            }
            Came::Nothing(heard, pause) => self.put_off(&key, intended, (heard, pause)).await,
        }
    }

    /// Tried again later; never sooner than the schedule says.
    async fn put_off(
        &self,
        key: &BillingKey,
        work: Work,
        (heard, pause): (Heard, Option<Timestamp>),
    ) -> Option<BillingKey> {
        let now = self.parts.clock.now();
        let work = work.later(heard, pause, &self.parts.policy, now);
        self.key_moved(key, key.clone().working(work).ok()?).await
    }

    async fn issue(&self, key: &BillingKey, work: &Work, gateway: &dyn PaymentGateway) -> Came {
        let Stage::Issuing { auth_key, .. } = &key.stage else {
            return Came::Nothing(Heard::Nothing, None);
        };
        let spot = Spot::of(key, AUTH_KEY);
        let opened = self.parts.post.vault.open(spot.place(), auth_key).await;
        let Some(auth_key) = noted(key, opened) else {
            return Came::Nothing(Heard::Nothing, None);
        };
        let call = IssueCall {
            key: work.gateway_key(key.id, Call::Issue),
            auth_key,
            customer_key: key.customer_key.clone(),
        };
        match self.holding_key(key, gateway.issue_key(&call)).await {
            Issued::Key(made) => match self.is_ours(key, &made).await {
                Some(true) => Came::Made(made),
                Some(false) => Came::Nothing(Heard::Error, None),
                None => Came::Nothing(Heard::Nothing, None),
            },
            Issued::Declined(decline) => Came::Refused(decline),
            Issued::Unknown(cause) => self.in_vain(&cause),
        }
    }

    async fn delete(&self, key: &BillingKey, work: &Work, gateway: &dyn PaymentGateway) -> Came {
        let Some(stored) = key.stored() else {
            return Came::Nothing(Heard::Nothing, None);
        };
        let opened = self.unsealed(key, stored).await;
        let Some(billing_key) = noted(key, opened) else {
            return Came::Nothing(Heard::Nothing, None);
        };
        let call = DeleteCall {
            key: work.gateway_key(key.id, Call::Delete),
            billing_key,
        };
        match self.holding_key(key, gateway.delete_key(&call)).await {
            Deleted::Gone => Came::Gone,
            Deleted::Declined(decline) => Came::Refused(decline),
            Deleted::Unknown(cause) => self.in_vain(&cause),
        }
    }

    /// An answer about another customer or merchant proves nothing about ours. None where that
    /// cannot be told now: the gateway gives the same answer to the same call again.
    async fn is_ours(&self, key: &BillingKey, made: &NewKey) -> Option<bool> {
        let merchant = self.merchant_id(key.account).await;
        let known = match merchant {
            Ok(known) => known.flatten(),
            Err(error) => {
                warn!(billing_key = %key.id, %error, "an answer cannot be told from a stranger's");
                return None;
            }
        };
        let same = known.is_none_or(|known| known == made.merchant_id);
        let ours = same && made.customer_key == key.customer_key.as_str();
        if !ours {
            error!(billing_key = %key.id, "the gateway answers about somebody else");
        }
        Some(ours)
    }

    fn in_vain(&self, cause: &Cause) -> Came {
        match cause {
            // A refused API key is refused before the gateway looks at the call's own key.
            Cause::NotSent | Cause::Lost | Cause::Configuration(_) => {
                Came::Nothing(Heard::Nothing, None)
            }
            Cause::Busy {
                retry_after_seconds,
            } => {
                let pause = Duration::from_secs(retry_after_seconds.unwrap_or(0).into());
                let until = later(self.parts.clock.now(), pause);
                Came::Nothing(Heard::Nothing, Some(until))
            }
            Cause::Temporary(_)
            | Cause::Conflict(_)
            | Cause::SessionGone
            | Cause::Refused(_)
            | Cause::Unreadable(_)
            | Cause::Mute => Came::Nothing(Heard::Error, None),
        }
    }

    /// Keeps what the gateway made. Where that fails, the same call is made again and answered
    /// the same: the gateway remembers it for longer than we try.
    async fn made(&self, key: &BillingKey, work: Work, made: &NewKey) -> Option<BillingKey> {
        let stored = match self.sealed(key, made).await {
            Ok(stored) => stored,
            Err(error) => {
                error!(billing_key = %key.id, %error, "a billing key is not kept yet");
                return self.put_off(key, work, (Heard::Nothing, None)).await;
            }
        };
        for _ in 0..self.parts.bounds.conflicts_max {
            let becomes_default = match self.has_default(key).await {
                Ok(has) => !has,
                Err(error) => {
                    warn!(billing_key = %key.id, %error, "a billing key is not kept yet");
                    return self.put_off(key, work, (Heard::Nothing, None)).await;
                }
            };
            let moved = Moved {
                stored: stored.clone(),
                becomes_default,
            };
            let issued = key.clone().issued(moved).ok()?;
            crash_point!("card.before_closing_commit");
            // Where another card became the default meanwhile it is decided again.
            if let Ok(next) = self.try_key_moved(key, issued).await {
                crash_point!("card.after_closing_commit");
                return next;
            }
        }
        error!(billing_key = %key.id, "a billing key is not kept: it is another row's");
        self.put_off(key, work, (Heard::Nothing, None)).await
    }

    async fn sealed(&self, key: &BillingKey, made: &NewKey) -> Result<Stored, vault::Error> {
        let (vault, spot) = (&self.parts.post.vault, Spot::of(key, BILLING_KEY));
        Ok(Stored {
            sealed: vault.seal(spot.place(), &made.billing_key).await?,
            index: vault.index(spot.place(), &made.billing_key).await?,
            card: made.card.clone(),
            issued_at: self.parts.clock.now(),
        })
    }

    async fn has_default(&self, key: &BillingKey) -> Result<bool, store::Error> {
        let dues = self.parts.store.dues();
        let found = dues.default_card(key.scope, &key.member).await?;
        Ok(found.is_some())
    }

    /// Waits for `due`; `false` when that is past `patience` or the process is to end.
    async fn is_time(&self, key: &BillingKey, due: Timestamp, patience: &Patience) -> bool {
        let left = due.signed_duration_since(self.parts.clock.now());
        let pause = left.to_std().unwrap_or_default();
        if pause.is_zero() {
            return true;
        }
        if pause > patience.until().saturating_duration_since(Instant::now()) {
            return false;
        }
        tokio::select! {
            () = self.holding_key(key, sleep(pause)) => true,
            () = self.drain.cancelled() => false,
        }
    }
}

/// The secret; what cannot be opened is told to the log.
fn noted(key: &BillingKey, opened: Result<Secret, vault::Error>) -> Option<Secret> {
    opened
        .inspect_err(|error| error!(billing_key = %key.id, %error, "not opened"))
        .ok()
}
