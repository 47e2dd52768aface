//! Owns I3: of each cycle of a subscription the gateway keeps one capture when it is paid and none
//! otherwise, whichever payment and order it was taken for; none is missing, none is left out
//! against its plan, and each is where the calendar has it.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, FixedOffset, Months, NaiveDateTime};

use super::{Findings, Invariant};
use crate::books::{Books, Cycle, Plan, Subscription, SubscriptionEvent};
use crate::sandbox::{Line, Movement};

const KOREA: &str = "Asia/Seoul";
const KOREA_SECONDS_EAST: i32 = 9 * 3600;
const ANCHOR_FORMAT: &str = "%Y-%m-%dT%H:%M:%S";
/// No month is shorter, whatever the clocks did in it.
const MONTH_MIN_MICROSECONDS: i64 = (28 * 24 - 2) * 3_600_000_000;

/// A cycle's name: whose, and which.
type Key<'a> = (&'a str, i64);

/// What the gateway keeps of each cycle: payment and payment key of every capture, and how much.
type Kept<'a> = BTreeMap<Key<'a>, Vec<(&'a str, &'a str, i64)>>;

pub(super) fn check(books: &Books, lines: &[Line], findings: &mut Findings) {
    let kept = kept(books, lines);
    let mut cycles: BTreeMap<&str, Vec<&Cycle>> = BTreeMap::new();
    for cycle in &books.cycles {
        cycles.entry(&cycle.subscription).or_default().push(cycle);
    }
    let mut told: BTreeMap<&str, Vec<&SubscriptionEvent>> = BTreeMap::new();
    for event in &books.subscription_events {
        told.entry(&event.subscription).or_default().push(event);
    }
    for subscription in books.subscriptions.values() {
        let cycles = cycles.remove(&*subscription.id).unwrap_or_default();
        let told = told.remove(&*subscription.id).unwrap_or_default();
        let Some(plan) = plan_of(books, subscription) else {
            breach(findings, format!("to no plan: {subscription:?}"));
            continue;
        };
        row_of_cycles(subscription, plan, &cycles, findings);
        for cycle in &cycles {
            once(books, cycle, &kept, findings);
            as_planned(plan, cycle, findings);
        }
        log(subscription, &cycles, &told, findings);
    }
    for stray in cycles.keys().chain(told.keys()) {
        breach(findings, format!("of no subscription: {stray}"));
    }
    let known: BTreeSet<Key<'_>> = books.cycles.iter().map(key_of).collect();
    for (key, captures) in kept.iter().filter(|(key, _)| !known.contains(*key)) {
        breach(findings, format!("{captures:?} for no cycle: {key:?}"));
    }
}

fn breach(findings: &mut Findings, what: String) {
    findings.breach(Invariant::I3, what);
}

fn key_of(cycle: &Cycle) -> Key<'_> {
    (&cycle.subscription, cycle.number)
}

fn plan_of<'a>(books: &'a Books, of: &Subscription) -> Option<&'a Plan> {
    books.plans.iter().find(|plan| {
        let own = (&plan.merchant, &plan.mode, &plan.code);
        own == (&of.merchant, &of.mode, &of.plan)
    })
}

/// Which cycle an order is for: `sub_…-7`, and `sub_…-7-r2` where an earlier payment was spent.
fn cycle_of(order: &str) -> Option<Key<'_>> {
    let (subscription, rest) = order.split_once('-')?;
    let number = rest.split_once("-r").map_or(rest, |(number, _)| number);
    let is_subscription = subscription.starts_with("sub_");
    Some((subscription, number.parse().ok()?)).filter(|_| is_subscription)
}

fn kept<'a>(books: &'a Books, lines: &'a [Line]) -> Kept<'a> {
    let mut left: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for line in lines {
        if let Some(payment) = books.gateway_orders.get(&line.order_id) {
            let left = left.entry((payment, &line.payment_key)).or_default();
            *left = match line.kind {
                Movement::Capture => left.saturating_add(line.amount),
                Movement::Cancel | Movement::Reversal => left.saturating_sub(line.amount),
            };
        }
    }
    let mut kept = Kept::new();
    for ((payment, key), left) in left.into_iter().filter(|(_, left)| *left != 0) {
        let order = books
            .payments
            .get(payment)
            .map(|payment| &*payment.order_id);
        if let Some(cycle) = order.and_then(cycle_of) {
            kept.entry(cycle).or_default().push((payment, key, left));
        }
    }
    kept
}

/// One kept capture of what is paid, by the payment that the cycle names; none of anything else.
fn once(books: &Books, cycle: &Cycle, kept: &Kept<'_>, findings: &mut Findings) {
    let captures = kept.get(&key_of(cycle)).map_or(&[][..], Vec::as_slice);
    let payment = cycle.payment.as_ref().and_then(|id| books.payments.get(id));
    let right = match cycle.status.as_str() {
        "PAID" => {
            findings.cycles_paid = findings.cycles_paid.saturating_add(1);
            let fits = |payment: &crate::books::Payment| {
                let is_paid = payment.captured == cycle.amount && payment.amount == cycle.amount;
                let by = payment.paid_by.as_deref();
                is_paid
                    && cycle_of(&payment.order_id) == Some(key_of(cycle))
                    && matches!(captures, [(id, key, left)]
                        if *id == payment.id && Some(*key) == by
                            && *left == payment.captured.saturating_sub(payment.canceled))
            };
            payment.is_some_and(fits)
        }
        "REFUNDED" => captures.is_empty() && payment.is_some_and(|one| one.status == "CANCELED"),
        // What it comes to is not known yet; where its charge is over, nobody has told it.
        "CHARGING" => captures.len() <= 1 && is_being_charged(books, cycle),
        "WAITING" | "HELD" | "CLOSING" | "FAILED" | "SKIPPED" | "VOID" => captures.is_empty(),
        _ => false,
    };
    if !right {
        let what = format!("the gateway keeps {captures:?} of {cycle:?}, by {payment:?}");
        breach(findings, what);
    }
}

fn is_being_charged(books: &Books, cycle: &Cycle) -> bool {
    let charges = |saga: &crate::books::Saga| {
        saga.kind == "CHARGE"
            && saga.outcome.is_none()
            && Some(&saga.payment) == cycle.payment.as_ref()
    };
    books.sagas.values().any(charges)
}

/// What it costs, and whether it may have been left out.
fn as_planned(plan: &Plan, cycle: &Cycle, findings: &mut Findings) {
    if (cycle.amount, &cycle.currency) != (plan.price, &plan.currency) {
        breach(findings, format!("not the price of {plan:?}: {cycle:?}"));
    }
    let may_skip = plan.kind == "SUBSCRIPTION" && plan.missed == "CHARGE_NEWEST";
    if cycle.status == "SKIPPED" && !may_skip {
        breach(findings, format!("skipped against {plan:?}: {cycle:?}"));
    }
}

/// From the first without gaps, only the last one open, each at its date.
fn row_of_cycles(of: &Subscription, plan: &Plan, cycles: &[&Cycle], findings: &mut Findings) {
    let months = match plan.period.as_str() {
        "MONTHLY" => 1,
        "QUARTERLY" => 3,
        "YEARLY" => 12,
        _ => 0,
    };
    let mut before: Option<i64> = None;
    for (number, cycle) in (1_i64..).zip(cycles) {
        if cycle.number != number {
            breach(findings, format!("a gap before {cycle:?}"));
            return;
        }
        let later = MONTH_MIN_MICROSECONDS.saturating_mul(months.into());
        let soonest = before.map(|before| before.saturating_add(later));
        let expected = due(of, months, number);
        let too_soon = soonest.is_some_and(|soonest| cycle.due_at < soonest);
        if too_soon || expected.is_some_and(|expected| expected != cycle.due_at) {
            breach(
                findings,
                format!("not at its date, {expected:?}: {cycle:?}"),
            );
        }
        before = Some(cycle.due_at);
    }
    let is_open =
        |cycle: &Cycle| matches!(&*cycle.status, "WAITING" | "CHARGING" | "HELD" | "CLOSING");
    let open = cycles.iter().filter(|cycle| is_open(cycle)).count();
    let last = cycles.last().is_some_and(|cycle| is_open(cycle));
    let goes_on = !matches!(&*of.status, "CANCELED" | "EXPIRED");
    if cycles.is_empty() || open != usize::from(goes_on) || last != goes_on {
        breach(findings, format!("{open} cycles are open of {of:?}"));
    }
}

/// When a cycle is due, where the zone's clocks never change.
fn due(of: &Subscription, months: u32, number: i64) -> Option<i64> {
    let zone = FixedOffset::east_opt(KOREA_SECONDS_EAST).filter(|_| of.zone == KOREA)?;
    let local = NaiveDateTime::parse_from_str(&of.anchor, ANCHOR_FORMAT).ok()?;
    let periods = u32::try_from(number.checked_sub(1)?).ok()?;
    let local = local.checked_add_months(Months::new(months.checked_mul(periods)?))?;
    let at: DateTime<FixedOffset> = local.and_local_timezone(zone).single()?;
    Some(at.timestamp_micros())
}

/// A line for each version, each where the one before it ended; what is paid, refunded or left out
/// is told so once.
fn log(of: &Subscription, cycles: &[&Cycle], told: &[&SubscriptionEvent], findings: &mut Findings) {
    let mut status: Option<&str> = None;
    for (sequence, event) in (1_i64..).zip(told) {
        if event.sequence != sequence || event.from.as_deref() != status {
            breach(findings, format!("does not follow {status:?}: {event:?}"));
            return;
        }
        status = Some(&event.to);
    }
    let versions = i64::try_from(told.len()).unwrap_or(i64::MAX);
    if versions != of.version || status != Some(&*of.status) {
        breach(findings, format!("its log ends with {status:?}: {of:?}"));
    }
    for cycle in cycles {
        let of_kind = |kind: &str| {
            let own =
                |event: &&&SubscriptionEvent| event.kind == kind && event.cycle == cycle.number;
            told.iter().filter(own).count()
        };
        let counts = ["subscription.paid", "subscription.cycle_skipped"].map(of_kind);
        let wanted = match cycle.status.as_str() {
            "PAID" | "REFUNDED" => [1, 0],
            "SKIPPED" => [0, 1],
            _ => [0, 0],
        };
        if counts != wanted {
            breach(
                findings,
                format!("paid and skipped are told {counts:?}: {cycle:?}"),
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::cycle_of;

    #[test]
    fn an_order_names_its_cycle() {
        assert_eq!(cycle_of("sub_1-7"), Some(("sub_1", 7)));
        assert_eq!(cycle_of("sub_1-7-r12"), Some(("sub_1", 7)));
        assert_eq!(cycle_of("order-7"), None);
        assert_eq!(cycle_of("sub_1"), None);
    }
}
