//! Owns whether a notification of a signed kind is the gateway's (`toss-api.md §15.4`).

use chrono::TimeDelta;
use domain::Timestamp;
use domain::id::GatewayAccountId;
use domain::inbox::{Headers, SecurityKey, Verdict};
use tracing::warn;

use super::security::place_of;
use crate::App;
use crate::ports::store;
use crate::ports::vault::{self, Secret};

/// How long after it was sent one may come: the gateway tries for less than four days, and what is
/// older could be somebody's who waited until nobody knows it any more.
const FRESH: TimeDelta = TimeDelta::days(5);
/// How far ahead of ours the gateway's clock may be.
const AHEAD: TimeDelta = TimeDelta::minutes(10);

/// A notification of a signed kind.
pub(super) struct Signed<'s> {
    pub(super) account: GatewayAccountId,
    pub(super) headers: &'s Headers,
    pub(super) body: &'s [u8],
    /// When it came, in real time.
    pub(super) received_at: Timestamp,
}

impl App {
    /// What such a notification is worth. One that cannot be verified now waits.
    ///
    /// # Errors
    /// The store is away.
    pub(super) async fn verified(&self, signed: &Signed<'_>) -> Result<Verdict, store::Error> {
        let inbox = self.parts.store.inbox();
        let since = signed.received_at;
        let keys = inbox.security_keys(signed.account, since).await?;
        if keys.is_empty() {
            return Ok(Verdict::Unverified);
        }
        let opened = match self.opened(signed.account, &keys).await {
            Ok(opened) => opened,
            Err(vault::Error::Store(error)) => return Err(error),
            Err(error) => {
                warn!(account = %signed.account, %error, "a signature cannot be verified now");
                return Ok(Verdict::Waiting);
            }
        };
        let reader = &self.parts.intake.reader;
        let sent_at = reader.signed_at(signed.body, signed.headers, &opened);
        let is_fresh = sent_at.is_some_and(|at| is_fresh(at, self.as_gateways(since)));
        Ok(if is_fresh {
            Verdict::Verified
        } else {
            Verdict::Forged
        })
    }

    async fn opened(
        &self,
        account: GatewayAccountId,
        keys: &[SecurityKey],
    ) -> Result<Vec<Secret>, vault::Error> {
        let Some(account) = self.parts.store.gateway_account(account).await? else {
            return Ok(Vec::new());
        };
        let mut opened = Vec::with_capacity(keys.len());
        for key in keys {
            let row = key.row();
            let place = place_of(&account, &row);
            opened.push(self.parts.post.vault.open(place, &key.sealed).await?);
        }
        Ok(opened)
    }

    /// A real time by the clock that the gateway has: that of a sandbox skips some.
    fn as_gateways(&self, real: Timestamp) -> Timestamp {
        let here = self.parts.post.clock.now();
        let skipped = self.parts.clock.now().signed_duration_since(here);
        real.checked_add_signed(skipped).unwrap_or(real)
    }
}

fn is_fresh(sent_at: Timestamp, received_at: Timestamp) -> bool {
    let late = received_at.signed_duration_since(sent_at);
    late <= FRESH && late >= -AHEAD
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;

    #[test]
    fn what_is_old_or_of_the_future_is_not_fresh() {
        let at =
            |seconds: i64| DateTime::from_timestamp(1_800_000_000 + seconds, 0).expect("a time");
        let day = 24 * 60 * 60_i64;
        for (sent, is_right) in [
            (0, true),
            (-5 * day, true),
            (-5 * day - 1, false),
            (600, true),
            (601, false),
        ] {
            assert_eq!(is_fresh(at(sent), at(0)), is_right, "{sent}");
        }
    }
}
