//! Owns the JSON of subscriptions.

use application::PaymentView;
use application::subscriptions::{CycleView, Entitled, Schedule, SubscriptionView};
use chrono::{DateTime, Utc};
use domain::subscription::{self, Summary};
use serde::Serialize;
use utoipa::ToSchema;

use crate::presentation::bodies::Payment;

/// Who is to pay for what.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::presentation) struct NewSubscription {
    /// The merchant's id of the member who pays.
    #[schema(example = "member-1", min_length = 1, max_length = 64)]
    member_id: String,
    /// Of a plan that is offered.
    #[schema(
        example = "water-monthly",
        min_length = 1,
        max_length = 64,
        pattern = "^[0-9A-Za-z_.-]+$"
    )]
    plan_code: String,
    /// A billing key of the member's; their default where none is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "bkey_06f8q0e1x4000000000000000000000000")]
    billing_key_id: Option<String>,
    /// When the first cycle is due, from now to a year ahead; now where it is not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    first_charge_at: Option<DateTime<Utc>>,
    /// By whose clocks the dates are, a name of the IANA database; the merchant's zone where it is
    /// not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Asia/Seoul")]
    time_zone: Option<String>,
}

/// Why a subscription ends.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::presentation) struct EndOfSubscription {
    /// Told to the gateway where money is given back.
    #[schema(example = "단순 변심", min_length = 1, max_length = 150)]
    reason: String,
}

/// With which card it is paid from now on.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::presentation) struct OtherCard {
    /// A billing key of the subscription's member.
    #[schema(example = "bkey_06f8q0e1x4000000000000000000000000")]
    billing_key_id: String,
}

/// What a member pays for again and again.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Subscription {
    /// Its id.
    #[serde(rename = "subscriptionId")]
    #[schema(example = "sub_06f8q0e1x4000000000000000000000000")]
    id: String,
    /// Who pays; not in the answers to requests with an idempotency key.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "member-1")]
    member_id: Option<String>,
    /// To which plan.
    #[schema(example = "water-monthly")]
    plan_code: String,
    /// With which card.
    #[schema(example = "bkey_06f8q0e1x4000000000000000000000000")]
    billing_key_id: String,
    /// `PENDING`, `ACTIVE`, `PAST_DUE`, `CANCEL_SCHEDULED`, `CANCELED` or `EXPIRED`.
    #[schema(example = "ACTIVE")]
    status: String,
    /// By whose clocks its dates are.
    #[schema(example = "Asia/Seoul")]
    time_zone: String,
    /// Until when it is paid; none before the first payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_until: Option<DateTime<Utc>>,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    ended_at: Option<DateTime<Utc>>,
    /// Its newest cycle: the one to come, while it goes on. Not in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    cycle: Option<Cycle>,
    /// Since when it exists.
    created_at: DateTime<Utc>,
    /// What this request charged or gives back, where it did.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment: Option<Payment>,
}

/// One cycle of a subscription.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Cycle {
    /// 1 for the first, without gaps.
    #[schema(example = 1)]
    number: u32,
    /// `WAITING`, `CHARGING`, `HELD`, `CLOSING`, `PAID`, `REFUNDED`, `FAILED`, `SKIPPED` or `VOID`.
    #[schema(example = "PAID")]
    status: String,
    /// When it begins.
    due_at: DateTime<Utc>,
    /// What it costs, in minor units.
    #[schema(example = 9900)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "KRW")]
    currency: String,
    /// When something is done about it: the charge, the next try, the end of a wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<DateTime<Utc>>,
    /// How often it was declined with its card, where that counts.
    declined: u32,
    /// Why it was declined last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "INSUFFICIENT_FUNDS")]
    decline_reason: Option<String>,
    /// The payment of its newest try.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "pay_06f8q0e1x4000000000000000000000000")]
    payment_id: Option<String>,
    /// When the gateway took the money.
    #[serde(skip_serializing_if = "Option::is_none")]
    paid_at: Option<DateTime<Utc>>,
}

/// A page of subscriptions.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Subscriptions {
    /// Newest first.
    pub(super) subscriptions: Vec<Subscription>,
    /// `cursor` of the next page; none after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// A page of a subscription's cycles.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct SubscriptionCycles {
    /// Newest first.
    pub(super) cycles: Vec<Cycle>,
    /// `before` of the next page; none after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_before: Option<u32>,
}

/// What will be charged when.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct SubscriptionSchedule {
    /// Of which subscription.
    subscription_id: String,
    /// By whose clocks the dates are.
    #[schema(example = "Asia/Seoul")]
    time_zone: String,
    /// The next 24 at most, soonest first; none where it does not renew.
    charges: Vec<ScheduledCharge>,
}

/// A charge ahead.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct ScheduledCharge {
    /// Of which cycle.
    #[schema(example = 2)]
    number: u32,
    /// When.
    due_at: DateTime<Utc>,
    /// How much, in minor units.
    #[schema(example = 9900)]
    amount: i64,
    /// ISO 4217.
    #[schema(example = "KRW")]
    currency: String,
}

/// What became of a subscription's cycles in a span of time.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct SubscriptionSummary {
    /// How many were paid and not given back.
    paid: u32,
    /// What they came to, without what was given back of them, in minor units.
    #[schema(example = 118_800)]
    total_amount: i64,
    /// What was given back, of cycles that stay paid too, in minor units.
    #[schema(example = 0)]
    refunded_amount: i64,
    /// ISO 4217.
    #[schema(example = "KRW")]
    currency: String,
    /// How many were paid and given back.
    refunded: u32,
    /// How many were missed and not charged.
    skipped: u32,
    /// How many were given up.
    failed: u32,
}

/// One line of a subscription's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct SubscriptionEvent {
    /// 1 for the first, without gaps.
    pub(super) sequence: i64,
    /// What was done.
    #[serde(rename = "type")]
    #[schema(example = "subscription.paid")]
    kind: String,
    /// The status before; none for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    /// The status after.
    #[schema(example = "ACTIVE")]
    to: String,
    /// About which cycle, where it is about one.
    #[serde(skip_serializing_if = "Option::is_none")]
    cycle: Option<u32>,
    /// By which payment, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    payment_id: Option<String>,
    /// Why, where something was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Who did it: MERCHANT, BUYER, OPERATOR, SYSTEM or GATEWAY.
    #[schema(example = "GATEWAY")]
    actor: String,
    /// When.
    at: DateTime<Utc>,
}

/// A subscription's log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct SubscriptionEvents {
    /// In order.
    pub(super) events: Vec<SubscriptionEvent>,
    /// `after` of the next page, where there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_after: Option<i64>,
}

/// What a member has paid for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Entitlements {
    /// What is in force now; empty where it is nothing.
    pub(super) entitlements: Vec<Entitlement>,
    /// `cursor` of the next page, where there may be more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) next_cursor: Option<String>,
}

/// One thing that a member has paid for.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(in crate::presentation) struct Entitlement {
    /// What the plan of this code gives.
    #[schema(example = "water-monthly")]
    plan_code: String,
    /// Until then, and not a moment more.
    until: DateTime<Utc>,
    /// Whether it is going to be charged again.
    renews: bool,
    /// By which subscription.
    #[schema(example = "sub_06f8q0e1x4000000000000000000000000")]
    subscription_id: String,
}

impl Subscription {
    /// With the payment that a request moved.
    pub(super) fn with(view: SubscriptionView, payment: Option<PaymentView>) -> Self {
        Self {
            id: view.subscription_id,
            member_id: view.member_id,
            plan_code: view.plan_code,
            billing_key_id: view.billing_key_id,
            status: view.status,
            time_zone: view.time_zone,
            paid_until: view.paid_until,
            ended_at: view.ended_at,
            cycle: view.cycle.map(Cycle::from),
            created_at: view.created_at,
            payment: payment.map(Payment::from),
        }
    }
}

impl From<CycleView> for Cycle {
    fn from(view: CycleView) -> Self {
        Self {
            number: view.number,
            status: view.status,
            due_at: view.due_at,
            amount: view.amount,
            currency: view.currency,
            next_at: view.next_at,
            declined: view.declined,
            decline_reason: view.decline_reason,
            payment_id: view.payment_id,
            paid_at: view.paid_at,
        }
    }
}

impl From<Schedule> for SubscriptionSchedule {
    fn from(schedule: Schedule) -> Self {
        let charges = schedule.charges.into_iter().map(|charge| ScheduledCharge {
            number: charge.number.get(),
            due_at: charge.due_at,
            amount: charge.amount.minor(),
            currency: charge.amount.currency().code().to_owned(),
        });
        Self {
            subscription_id: schedule.subscription.id.to_string(),
            time_zone: schedule.subscription.anchor.zone().to_string(),
            charges: charges.collect(),
        }
    }
}

impl From<Summary> for SubscriptionSummary {
    fn from(summary: Summary) -> Self {
        Self {
            paid: summary.paid,
            total_amount: summary.total.minor(),
            refunded_amount: summary.given_back.minor(),
            currency: summary.total.currency().code().to_owned(),
            refunded: summary.refunded,
            skipped: summary.skipped,
            failed: summary.failed,
        }
    }
}

impl From<subscription::Event> for SubscriptionEvent {
    fn from(event: subscription::Event) -> Self {
        Self {
            sequence: event.sequence,
            kind: event.deed.to_string(),
            from: event.from.map(|status| status.to_string()),
            to: event.to.to_string(),
            cycle: event.cycle.map(domain::calendar::CycleNumber::get),
            payment_id: event.payment.map(|payment| payment.to_string()),
            reason: event.reason.map(|reason| reason.to_string()),
            actor: event.actor.to_string(),
            at: event.at,
        }
    }
}

impl From<Entitled> for Entitlement {
    fn from(entitled: Entitled) -> Self {
        Self {
            plan_code: entitled.to.plan.to_string(),
            until: entitled.to.until,
            renews: entitled.to.renews,
            subscription_id: entitled.subscription.to_string(),
        }
    }
}
