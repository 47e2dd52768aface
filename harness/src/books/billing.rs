//! Owns the rows of recurring billing: plans, subscriptions, their cycles and their logs.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::target::Row;
use super::{Books, Snapshot, Target};

/// What is offered, as far as cycles have to agree with it.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) merchant: String,
    pub(crate) mode: String,
    pub(crate) code: String,
    /// `ONE_TIME` or `SUBSCRIPTION`.
    pub(crate) kind: String,
    /// `MONTHLY`, `QUARTERLY` or `YEARLY`.
    pub(crate) period: String,
    /// What a cycle costs.
    pub(crate) price: i64,
    pub(crate) currency: String,
    /// Of cycles that were missed: `CHARGE_EACH` or `CHARGE_NEWEST`.
    pub(crate) missed: String,
}

/// What a member pays for again and again.
#[derive(Clone, Debug)]
pub(crate) struct Subscription {
    pub(crate) id: String,
    pub(crate) merchant: String,
    pub(crate) mode: String,
    pub(crate) plan: String,
    /// With which card.
    pub(crate) billing_key: String,
    /// What every date is computed from: day and time of day by the zone's clocks.
    pub(crate) anchor: String,
    pub(crate) zone: String,
    pub(crate) status: String,
    pub(crate) version: i64,
}

/// One cycle.
#[derive(Clone, Debug)]
pub(crate) struct Cycle {
    pub(crate) subscription: String,
    pub(crate) number: i64,
    /// Microseconds since 1970.
    pub(crate) due_at: i64,
    pub(crate) currency: String,
    pub(crate) amount: i64,
    pub(crate) status: String,
    pub(crate) payment: Option<String>,
}

/// A line of a subscription's log.
#[derive(Clone, Debug)]
pub(crate) struct SubscriptionEvent {
    pub(crate) subscription: String,
    pub(crate) sequence: i64,
    pub(crate) kind: String,
    pub(crate) from: Option<String>,
    pub(crate) to: String,
    /// About which cycle; 0 where it is about none.
    pub(crate) cycle: i64,
}

pub(super) async fn plans(snapshot: &Snapshot) -> anyhow::Result<Vec<Plan>> {
    let sql = "SELECT merchant_id, mode, code, kind, period, price, currency, missed FROM plans";
    let read = |row: &Row<'_>| {
        Ok(Plan {
            merchant: row.text(0)?,
            mode: row.text(1)?,
            code: row.text(2)?,
            kind: row.text(3)?,
            period: row.text(4)?,
            price: row.number(5)?,
            currency: row.text(6)?,
            missed: row.text(7)?,
        })
    };
    snapshot.rows(sql, read).await
}

pub(super) async fn subscriptions(
    snapshot: &Snapshot,
) -> anyhow::Result<BTreeMap<String, Subscription>> {
    let sql = "
        SELECT id, merchant_id, mode, plan_code, anchor, zone, status, version, billing_key_id
        FROM subscriptions";
    let read = |row: &Row<'_>| {
        Ok(Subscription {
            id: row.text(0)?,
            merchant: row.text(1)?,
            mode: row.text(2)?,
            plan: row.text(3)?,
            anchor: row.text(4)?,
            zone: row.text(5)?,
            status: row.text(6)?,
            version: row.number(7)?,
            billing_key: row.text(8)?,
        })
    };
    let all = snapshot.rows(sql, read).await?.into_iter();
    Ok(all.map(|row| (row.id.clone(), row)).collect())
}

pub(super) async fn cycles(snapshot: &Snapshot) -> anyhow::Result<Vec<Cycle>> {
    let due_at = snapshot.dialect().microseconds("due_at");
    let sql = format!(
        "SELECT subscription_id, number, {due_at}, currency, amount, status, payment_id
         FROM cycles ORDER BY subscription_id, number"
    );
    let read = |row: &Row<'_>| {
        Ok(Cycle {
            subscription: row.text(0)?,
            number: row.number(1)?,
            due_at: row.number(2)?,
            currency: row.text(3)?,
            amount: row.number(4)?,
            status: row.text(5)?,
            payment: row.text_or_null(6)?,
        })
    };
    snapshot.rows(&sql, read).await
}

pub(super) async fn events(snapshot: &Snapshot) -> anyhow::Result<Vec<SubscriptionEvent>> {
    let sql = "
        SELECT subscription_id, sequence, kind, from_status, to_status, COALESCE(cycle, 0)
        FROM subscription_events ORDER BY subscription_id, sequence";
    let read = |row: &Row<'_>| {
        Ok(SubscriptionEvent {
            subscription: row.text(0)?,
            sequence: row.number(1)?,
            kind: row.text(2)?,
            from: row.text_or_null(3)?,
            to: row.text(4)?,
            cycle: row.number(5)?,
        })
    };
    snapshot.rows(sql, read).await
}

/// What is still to be done about cycles, and what was done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Standing {
    /// Cycles that want something now, or are being charged.
    pub(crate) due: u64,
    /// Cycles that were due, and are put off until a later try.
    pub(crate) put_off: u64,
    /// Cycles that are paid.
    pub(crate) paid: u64,
    /// Sagas that are open, and calls of cards that are.
    pub(crate) open: u64,
}

impl Standing {
    /// Whether nothing is left to do now.
    pub(crate) const fn is_drained(&self) -> bool {
        self.due == 0 && self.put_off == 0 && self.open == 0
    }
}

impl Books {
    /// How billing stands at `now`, in microseconds since 1970.
    pub(crate) async fn standing(target: &Target, now: i64) -> anyhow::Result<Standing> {
        let snapshot = Snapshot::open(target).await?;
        let (next_at, due_at) = (
            snapshot.dialect().microseconds("next_at"),
            snapshot.dialect().microseconds("due_at"),
        );
        let sql = format!(
            "SELECT
                (SELECT COUNT(*) FROM cycles
                    WHERE status = 'CHARGING' OR (next_at IS NOT NULL AND {next_at} <= {now})),
                (SELECT COUNT(*) FROM cycles
                    WHERE next_at IS NOT NULL AND {due_at} <= {now} AND {next_at} > {now}),
                (SELECT COUNT(*) FROM cycles WHERE status = 'PAID'),
                (SELECT COUNT(*) FROM sagas WHERE phase <> 'CLOSED')
                    + (SELECT COUNT(*) FROM billing_keys WHERE due_at IS NOT NULL)"
        );
        let read = |row: &Row<'_>| {
            Ok(Standing {
                due: u64::try_from(row.number(0)?)?,
                put_off: u64::try_from(row.number(1)?)?,
                paid: u64::try_from(row.number(2)?)?,
                open: u64::try_from(row.number(3)?)?,
            })
        };
        let rows = snapshot.rows(&sql, read).await?;
        rows.into_iter().next().context("COUNT gave no row")
    }

    /// The anchors of these subscriptions with the numbers of their cycles; of all without one.
    pub(crate) async fn anchors(
        target: &Target,
        only: Option<&str>,
    ) -> anyhow::Result<Vec<(String, i64)>> {
        let whose = only.map_or(String::new(), |id| format!(" AND s.id = '{id}'"));
        let sql = format!(
            "SELECT DISTINCT s.anchor, c.number FROM subscriptions s, cycles c
             WHERE c.subscription_id = s.id{whose} ORDER BY 1, 2"
        );
        let snapshot = Snapshot::open(target).await?;
        let read = |row: &Row<'_>| Ok((row.text(0)?, row.number(1)?));
        snapshot.rows(&sql, read).await
    }
}
