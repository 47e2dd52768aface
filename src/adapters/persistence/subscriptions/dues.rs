//! Owns the looks at billing as a whole: counts that read only what they count, and the end of
//! registrations that nobody used.

use std::collections::BTreeMap;

use application::ports::store::{CountedBy, CycleBacklog, Dues, Error};
use async_trait::async_trait;
use diesel::dsl::{count, count_star, exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Nullable;
use domain::Timestamp;
use domain::billing::BillingKey;
use domain::id::{BillingKeyId, PaymentId, SagaId, SubscriptionId};
use domain::merchant;
use domain::payment::PayStatus;
use domain::principal::Scope;
use domain::subscription::{Cycle, CycleStatus};
use domain::text::MemberId;

use super::cycles::CycleRow;
use super::rows::scope;
use crate::adapters::persistence::billing::KeyRow;
use crate::adapters::persistence::connection::Database;
use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::dialect::{
    IdAmong, columns, cycle_is_counted, cycle_is_under_way, key_is_registered, saga_is_open,
};
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{
    api_keys, billing_keys, cycles, merchants, payments, sagas, subscriptions,
};
use crate::adapters::persistence::types::{AsInstant, Instant};
use crate::adapters::persistence::{one, readable};

/// What waits of a merchant and mode, and since when.
#[derive(Queryable)]
struct DueRow {
    merchant_id: String,
    mode: String,
    due: i64,
    late: i64,
    oldest: Option<AsInstant>,
}

/// How many cycles of a merchant and mode stand so.
#[derive(Queryable)]
struct StandingCount {
    merchant_id: String,
    mode: String,
    status: String,
    count: i64,
}

/// The lines of every merchant and mode that has any.
#[derive(Default)]
struct Lines(BTreeMap<(String, String), CycleBacklog>);

impl Lines {
    fn of(&mut self, merchant: String, mode: String) -> Result<&mut CycleBacklog, Error> {
        let whose = scope(&merchant, &mode);
        let whose = whose.map_err(corrupt("cycles", &merchant))?;
        let line = self.0.entry((merchant, mode));
        Ok(line.or_insert_with(|| CycleBacklog::none(whose)))
    }
}

fn counted(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

impl Database {
    /// What was paid since then, and whatever was given up.
    async fn past(&self, since: Timestamp) -> Result<Vec<StandingCount>, Error> {
        let counts = (
            cycles::merchant_id,
            cycles::mode,
            cycles::status,
            count_star(),
        );
        let failed = cycles::table
            .filter(cycle_is_counted())
            .filter(cycles::status.eq(CycleStatus::Failed.as_str()))
            .group_by((cycles::merchant_id, cycles::mode, cycles::status))
            .select(counts);
        let mut rows = self.load::<_, StandingCount>(failed).await?;
        let paid = cycles::table
            .filter(cycles::paid_at.ge(Some(AsInstant(since))))
            .filter(cycles::status.eq(CycleStatus::Paid.as_str()))
            .group_by((cycles::merchant_id, cycles::mode, cycles::status))
            .select(counts);
        rows.extend(self.load::<_, StandingCount>(paid).await?);
        Ok(rows)
    }

    /// Marks the lines of merchants that are suspended.
    async fn mark_suspended(&self, lines: &mut Lines) -> Result<(), Error> {
        let active = merchant::Status::Active.as_str();
        let suspended = merchants::table
            .filter(merchants::status.ne(active))
            .select(merchants::id);
        let suspended = self.load::<_, String>(suspended).await?;
        for ((merchant, _), line) in &mut lines.0 {
            line.suspended = suspended.contains(merchant);
        }
        Ok(())
    }

    async fn count_due(&self, by: CountedBy, lines: &mut Lines) -> Result<(), Error> {
        let late = cycles::next_at.assume_not_null().le(AsInstant(by.late));
        let due = cycles::table
            .filter(cycles::next_at.le(Some(AsInstant(by.now))))
            .group_by((cycles::merchant_id, cycles::mode))
            .select((
                cycles::merchant_id,
                cycles::mode,
                count_star(),
                count(cycles::subscription_id).aggregate_filter(late),
                sql::<Nullable<Instant>>("MIN(next_at)"),
            ));
        for row in self.load::<_, DueRow>(due).await? {
            let line = lines.of(row.merchant_id, row.mode)?;
            line.due = counted(row.due);
            line.late = counted(row.late);
            line.oldest_due = row.oldest.map(|at| at.0);
        }
        Ok(())
    }

    async fn count_standing(&self, by: CountedBy, lines: &mut Lines) -> Result<(), Error> {
        let standing = cycles::table
            .filter(cycle_is_under_way())
            .group_by((cycles::merchant_id, cycles::mode, cycles::status))
            .select((
                cycles::merchant_id,
                cycles::mode,
                cycles::status,
                count_star(),
            ));
        let mut rows = self.load::<_, StandingCount>(standing).await?;
        if let Some(since) = by.paid_since {
            rows.extend(self.past(since).await?);
        }
        for row in rows {
            let count = counted(row.count);
            let status = row.status.parse::<CycleStatus>();
            let status = status.map_err(|why| corrupt("cycles", row.status)(Why::from(why)))?;
            let line = lines.of(row.merchant_id, row.mode)?;
            match status {
                CycleStatus::Charging => line.charging = count,
                CycleStatus::Held => line.held = count,
                CycleStatus::Failed => line.failed = count,
                CycleStatus::Paid => line.charged = count,
                CycleStatus::Waiting
                | CycleStatus::Closing
                | CycleStatus::Skipped
                | CycleStatus::Void
                | CycleStatus::Refunded => {}
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Dues for Database {
    async fn backlog(&self, by: CountedBy) -> Result<Vec<CycleBacklog>, Error> {
        let mut lines = Lines::default();
        self.count_due(by, &mut lines).await?;
        self.count_standing(by, &mut lines).await?;
        if !lines.0.is_empty() {
            self.mark_suspended(&mut lines).await?;
        }
        Ok(lines.0.into_values().collect())
    }

    async fn is_needed(
        &self,
        card: BillingKeyId,
        (subscription, saga): (SubscriptionId, Option<SagaId>),
    ) -> Result<bool, Error> {
        let others = subscriptions::table
            .filter(subscriptions::billing_key_id.eq(card.to_string()))
            .filter(subscriptions::ended_at.is_null())
            .filter(subscriptions::id.ne(subscription.to_string()));
        let own = saga.map(|saga| saga.to_string()).unwrap_or_default();
        let charges = sagas::table
            .filter(saga_is_open())
            .filter(sagas::billing_key_id.eq(Some(card.to_string())))
            .filter(sagas::id.ne(own));
        let others = others.limit(1).select(subscriptions::id);
        let charges = charges.limit(1).select(sagas::id);
        Ok(!self.load::<_, String>(others).await?.is_empty()
            || !self.load::<_, String>(charges).await?.is_empty())
    }

    async fn untold_cycles(&self, limit: u32) -> Result<Vec<Cycle>, Error> {
        let worked_on = payments::table
            .filter(payments::id.nullable().eq(cycles::payment_id))
            .filter(payments::status.eq(PayStatus::InProgress.as_str()));
        let untold = cycles::table
            .filter(cycles::status.eq(CycleStatus::Charging.as_str()))
            .filter(not(exists(worked_on)))
            .order((cycles::subscription_id.asc(), cycles::number.asc()))
            .limit(limit.into())
            .select(columns::<CycleRow>());
        Ok(readable(self.load::<_, CycleRow>(untold).await?))
    }

    async fn default_card(
        &self,
        scope: Scope,
        member: &MemberId,
    ) -> Result<Option<BillingKey>, Error> {
        let query = billing_keys::table
            .filter(billing_keys::merchant_id.eq(scope.merchant.to_string()))
            .filter(billing_keys::mode.eq(scope.mode.as_str()))
            .filter(billing_keys::member_id.eq(member.as_str()))
            .filter(billing_keys::is_default)
            .select(columns::<KeyRow>());
        one(self.load::<_, KeyRow>(query).await?)
    }

    async fn sweep_registrations(&self, opened: Timestamp, limit: u32) -> Result<u64, Error> {
        let old = billing_keys::table
            .filter(key_is_registered())
            .filter(billing_keys::created_at.le(AsInstant(opened)))
            .order(billing_keys::created_at.asc())
            .limit(limit.into())
            .select(billing_keys::id);
        let swept = billing_keys::table
            .filter(IdAmong(old))
            // Asked again of each: a card may have come of it in the meantime.
            .filter(key_is_registered());
        let swept = self.execute(diesel::delete(swept)).await?;
        Ok(u64::try_from(swept).unwrap_or(u64::MAX))
    }

    async fn given_back(&self, payments: &[PaymentId]) -> Result<BTreeMap<PaymentId, i64>, Error> {
        let ids: Vec<String> = payments.iter().map(ToString::to_string).collect();
        let query = payments::table
            .filter(payments::id.eq_any(ids))
            .filter(payments::canceled.gt(0))
            .select((payments::id, payments::canceled));
        let rows = self.load::<_, (String, i64)>(query).await?;
        let read = |(id, minor): (String, i64)| Some((id.parse().ok()?, minor));
        Ok(rows.into_iter().filter_map(read).collect())
    }

    async fn keys_ending(
        &self,
        now: Timestamp,
        soon: Timestamp,
        used: Timestamp,
    ) -> Result<u64, Error> {
        let query = api_keys::table
            .filter(api_keys::expires_at.gt(Some(AsInstant(now))))
            .filter(api_keys::expires_at.le(Some(AsInstant(soon))))
            .filter(api_keys::last_used_at.gt(Some(AsInstant(used))))
            .select(count_star());
        let counts = self.load::<_, i64>(query).await?;
        Ok(counts.first().copied().map_or(0, counted))
    }

    async fn stuck_cards(&self, since: Timestamp) -> Result<u64, Error> {
        let query = billing_keys::table
            .filter(billing_keys::due_at.is_not_null())
            .filter(billing_keys::wanted_at.le(Some(AsInstant(since))))
            .select(count_star());
        let counts = self.load::<_, i64>(query).await?;
        Ok(counts.first().copied().map_or(0, counted))
    }
}
