//! Owns how plans, subscriptions and their log lie in their rows.

use std::time::Duration;

use application::ports::store::Error;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use domain::calendar::{Anchor, CycleNumber};
use domain::money::{Currency, Money};
use domain::principal::Scope;
use domain::subscription::{Dunning, Event, Manner, Plan, Subscription, Terms};

use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{plans, subscription_events, subscriptions};
use crate::adapters::persistence::types::AsInstant;

/// How an anchor is written: without a zone, which has a column of its own.
const ANCHOR_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";

/// A plan's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = plans, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct PlanRow {
    merchant_id: String,
    mode: String,
    code: String,
    kind: String,
    period: String,
    currency: String,
    price: i64,
    tax_free: i64,
    created_at: AsInstant,
    #[diesel(embed)]
    manner: MannerRow,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = plans, treat_none_as_null = true, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct MannerRow {
    name: String,
    benefits: Option<String>,
    offered: bool,
    missed: String,
    dunning_first_seconds: i64,
    dunning_cap_seconds: i64,
    dunning_tries_max: i64,
    card_grace_seconds: i64,
    version: i64,
}

fn seconds(wait: Duration) -> i64 {
    i64::try_from(wait.as_secs()).unwrap_or(i64::MAX)
}

impl From<&Plan> for MannerRow {
    fn from(plan: &Plan) -> Self {
        let manner = &plan.manner;
        Self {
            name: manner.name.to_string(),
            benefits: manner.benefits.as_ref().map(ToString::to_string),
            offered: manner.offered,
            missed: manner.missed.to_string(),
            dunning_first_seconds: seconds(manner.dunning.first),
            dunning_cap_seconds: seconds(manner.dunning.cap),
            dunning_tries_max: manner.dunning.tries_max.into(),
            card_grace_seconds: seconds(manner.dunning.card_grace),
            version: plan.version,
        }
    }
}

impl From<&Plan> for PlanRow {
    fn from(plan: &Plan) -> Self {
        let terms = &plan.terms;
        Self {
            merchant_id: plan.scope.merchant.to_string(),
            mode: plan.scope.mode.to_string(),
            code: plan.code.to_string(),
            kind: terms.kind().to_string(),
            period: terms.period().to_string(),
            currency: terms.price().currency().code().to_owned(),
            price: terms.price().minor(),
            tax_free: terms.tax_free().minor(),
            created_at: AsInstant(plan.created_at),
            manner: plan.into(),
        }
    }
}

impl TryFrom<PlanRow> for Plan {
    type Error = Error;

    fn try_from(row: PlanRow) -> Result<Self, Error> {
        let id = format!("{}/{}/{}", row.merchant_id, row.mode, row.code);
        let read = move || -> Result<Self, Why> {
            let currency: Currency = row.currency.parse()?;
            let money = |minor| Money::new(minor, currency);
            let manner = row.manner;
            let wait = |seconds| u64::try_from(seconds).map(Duration::from_secs);
            Ok(Self {
                scope: scope(&row.merchant_id, &row.mode)?,
                code: row.code.parse()?,
                terms: Terms::new(
                    row.kind.parse()?,
                    row.period.parse()?,
                    money(row.price)?,
                    money(row.tax_free)?,
                )?,
                manner: Manner {
                    name: manner.name.parse()?,
                    benefits: manner.benefits.map(|text| text.parse()).transpose()?,
                    offered: manner.offered,
                    missed: manner.missed.parse()?,
                    dunning: Dunning {
                        first: wait(manner.dunning_first_seconds)?,
                        cap: wait(manner.dunning_cap_seconds)?,
                        tries_max: manner.dunning_tries_max.try_into()?,
                        card_grace: wait(manner.card_grace_seconds)?,
                    },
                },
                version: manner.version,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("plans", id))
    }
}

pub(super) fn scope(merchant: &str, mode: &str) -> Result<Scope, Why> {
    Ok(Scope {
        merchant: merchant.parse()?,
        mode: mode.parse()?,
    })
}

/// A subscription's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = subscriptions, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct SubscriptionRow {
    id: String,
    merchant_id: String,
    mode: String,
    member: String,
    plan_code: String,
    anchor: String,
    zone: String,
    created_at: AsInstant,
    #[diesel(embed)]
    standing: StandingRow,
}

/// What an update replaces.
#[derive(AsChangeset, Insertable, Queryable, Selectable)]
#[diesel(table_name = subscriptions, treat_none_as_null = true)]
#[diesel(treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct StandingRow {
    billing_key_id: String,
    status: String,
    paid_until: Option<AsInstant>,
    ended_at: Option<AsInstant>,
    version: i64,
}

impl From<&Subscription> for StandingRow {
    fn from(subscription: &Subscription) -> Self {
        Self {
            billing_key_id: subscription.billing_key.to_string(),
            status: subscription.status.to_string(),
            paid_until: subscription.paid_until.map(AsInstant),
            ended_at: subscription.ended_at.map(AsInstant),
            version: subscription.version,
        }
    }
}

impl From<&Subscription> for SubscriptionRow {
    fn from(subscription: &Subscription) -> Self {
        let anchor = &subscription.anchor;
        Self {
            id: subscription.id.to_string(),
            merchant_id: subscription.scope.merchant.to_string(),
            mode: subscription.scope.mode.to_string(),
            member: subscription.member.to_string(),
            plan_code: subscription.plan.to_string(),
            anchor: anchor.local().format(ANCHOR_FORMAT).to_string(),
            zone: anchor.zone().to_string(),
            created_at: AsInstant(subscription.created_at),
            standing: subscription.into(),
        }
    }
}

impl TryFrom<SubscriptionRow> for Subscription {
    type Error = Error;

    fn try_from(row: SubscriptionRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = move || -> Result<Self, Why> {
            let local = NaiveDateTime::parse_from_str(&row.anchor, ANCHOR_FORMAT)?;
            let standing = row.standing;
            Ok(Self {
                id: row.id.parse()?,
                scope: scope(&row.merchant_id, &row.mode)?,
                member: row.member.parse()?,
                plan: row.plan_code.parse()?,
                billing_key: standing.billing_key_id.parse()?,
                anchor: Anchor::new(local, row.zone.parse()?),
                status: standing.status.parse()?,
                paid_until: standing.paid_until.map(|until| until.0),
                ended_at: standing.ended_at.map(|at| at.0),
                version: standing.version,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("subscriptions", id))
    }
}

/// The row of a line of a subscription's log.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = subscription_events, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct EventRow {
    subscription_id: String,
    sequence: i64,
    merchant_id: String,
    mode: String,
    kind: String,
    from_status: Option<String>,
    to_status: String,
    cycle: Option<i64>,
    payment_id: Option<String>,
    decline_reason: Option<String>,
    actor: String,
    occurred_at: AsInstant,
}

impl From<&Event> for EventRow {
    fn from(event: &Event) -> Self {
        Self {
            subscription_id: event.subscription.to_string(),
            sequence: event.sequence,
            merchant_id: event.scope.merchant.to_string(),
            mode: event.scope.mode.to_string(),
            kind: event.deed.to_string(),
            from_status: event.from.map(|status| status.to_string()),
            to_status: event.to.to_string(),
            cycle: event.cycle.map(|number| number.get().into()),
            payment_id: event.payment.map(|payment| payment.to_string()),
            decline_reason: event.reason.map(|reason| reason.to_string()),
            actor: event.actor.as_str().to_owned(),
            occurred_at: AsInstant(event.at),
        }
    }
}

impl TryFrom<EventRow> for Event {
    type Error = Error;

    fn try_from(row: EventRow) -> Result<Self, Error> {
        let id = format!("{}/{}", row.subscription_id, row.sequence);
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                scope: scope(&row.merchant_id, &row.mode)?,
                subscription: row.subscription_id.parse()?,
                sequence: row.sequence,
                deed: row.kind.parse()?,
                from: row.from_status.map(|status| status.parse()).transpose()?,
                to: row.to_status.parse()?,
                cycle: row.cycle.map(number).transpose()?,
                payment: row.payment_id.map(|payment| payment.parse()).transpose()?,
                reason: row
                    .decline_reason
                    .map(|reason| reason.parse())
                    .transpose()?,
                actor: row.actor.parse()?,
                at: row.occurred_at.0,
            })
        };
        read().map_err(corrupt("subscription_events", id))
    }
}

pub(super) fn number(number: i64) -> Result<CycleNumber, Why> {
    CycleNumber::new(number).ok_or_else(|| format!("{number} is no cycle").into())
}
