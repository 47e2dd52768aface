//! Owns the statements that read the books; the same for both databases but for instants.

use std::collections::BTreeMap;

use anyhow::Context as _;

use super::target::{Dialect, Row};
use super::{
    Books, Entry, Event, Key, MemberEvent, Payment, Place, Saga, Snapshot, Target, billing,
};
use crate::effects::Totals;

impl Books {
    /// Reads everything at one instant.
    pub(crate) async fn read(target: &Target) -> anyhow::Result<Self> {
        let snapshot = Snapshot::open(target).await?;
        let dialect = snapshot.dialect();
        let payments = snapshot.rows(PAYMENTS, payment).await?;
        let gateway_orders = snapshot.rows(GATEWAY_ORDERS, gateway_order).await?;
        let sagas = snapshot.rows(&sagas(dialect), saga).await?;
        Ok(Self {
            payments: payments
                .into_iter()
                .map(|row| (row.id.clone(), row))
                .collect(),
            gateway_orders: gateway_orders.into_iter().collect(),
            sagas: sagas.into_iter().map(|row| (row.id.clone(), row)).collect(),
            entries: snapshot.rows(ENTRIES, entry).await?,
            events: snapshot.rows(&events(dialect), event).await?,
            keys: snapshot.rows(&keys(dialect), key).await?,
            feed: snapshot.rows(FEED, place).await?,
            unsequenced: snapshot.rows(UNSEQUENCED, unsequenced).await?,
            plans: billing::plans(&snapshot).await?,
            subscriptions: billing::subscriptions(&snapshot).await?,
            cycles: billing::cycles(&snapshot).await?,
            subscription_events: billing::events(&snapshot).await?,
            member_events: snapshot.rows(MEMBER_EVENTS, member_event).await?,
        })
    }

    /// How many sagas are open: all that waiting needs to know.
    pub(crate) async fn count_open_sagas(target: &Target) -> anyhow::Result<i64> {
        let snapshot = Snapshot::open(target).await?;
        let counted = snapshot.rows(OPEN_SAGAS, |row| row.number(0)).await?;
        counted.first().copied().context("COUNT gave no row")
    }
}

impl Books {
    /// How much of what happened has not been told by every reader, and how many deliveries and
    /// unpaid payments are left to be ended.
    pub(crate) async fn untold(target: &Target) -> anyhow::Result<Untold> {
        let snapshot = Snapshot::open(target).await?;
        let read = |row: &Row<'_>| {
            Ok(Untold {
                events: row.number(0)?,
                deliveries: row.number(1)?,
                unpaid: row.number(2)?,
            })
        };
        let untold = snapshot.rows(UNTOLD, read).await?;
        untold.into_iter().next().context("COUNT gave no row")
    }

    /// Every event that happened: payment and sequence.
    pub(crate) async fn happened(target: &Target) -> anyhow::Result<Vec<(String, i64)>> {
        let snapshot = Snapshot::open(target).await?;
        snapshot.rows(HAPPENED, unsequenced).await
    }

    /// What a consumer's effects have to come to.
    pub(crate) async fn totals(target: &Target) -> anyhow::Result<Totals> {
        let snapshot = Snapshot::open(target).await?;
        let read = |row: &Row<'_>| Ok((row.text(0)?, row.text(1)?, row.bytes(2)?));
        let mut totals = Totals::default();
        for (payment, kind, payload) in snapshot.rows(EFFECTS, read).await? {
            totals.add(payment, kind, &payload);
        }
        Ok(totals)
    }
}

/// What is still to come.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Untold {
    /// Events without a position, and for each reader those behind its cursor.
    pub(crate) events: i64,
    /// Webhooks that were not brought.
    pub(crate) deliveries: i64,
    /// Payments that will expire.
    pub(crate) unpaid: i64,
}

const UNTOLD: &str = "
    SELECT (SELECT COUNT(*) FROM unsequenced)
            + (SELECT COUNT(*) FROM feed, cursors WHERE feed.position > cursors.position),
        (SELECT COUNT(*) FROM deliveries WHERE state = 'PENDING'),
        (SELECT COUNT(*) FROM payments WHERE status = 'READY')";

const EFFECTS: &str = "SELECT payment_id, kind, payload FROM events";

const HAPPENED: &str = "SELECT payment_id, sequence FROM events";

/// Who drives a saga, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hold {
    version: i64,
    holder: String,
    /// Microseconds since 1970.
    until: i64,
}

impl Books {
    /// The sagas that somebody drives.
    pub(crate) async fn holds(target: &Target) -> anyhow::Result<BTreeMap<String, Hold>> {
        let snapshot = Snapshot::open(target).await?;
        let until = snapshot.dialect().microseconds("lease_until");
        let sql =
            format!("SELECT id, version, holder, {until} FROM sagas WHERE holder IS NOT NULL");
        Ok(snapshot.rows(&sql, hold).await?.into_iter().collect())
    }
}

fn hold(row: &Row<'_>) -> anyhow::Result<(String, Hold)> {
    let hold = Hold {
        version: row.number(1)?,
        holder: row.text(2)?,
        until: row.number(3)?,
    };
    Ok((row.text(0)?, hold))
}

const OPEN_SAGAS: &str = "SELECT COUNT(*) FROM sagas WHERE phase <> 'CLOSED'";

const PAYMENTS: &str = "
    SELECT id, merchant_id, mode, order_id, status, saga_id, amount, currency, captured, canceled,
           payment_key, event_sequence, event_hash, cancels, account_key
    FROM payments";

fn payment(row: &Row<'_>) -> anyhow::Result<Payment> {
    Ok(Payment {
        id: row.text(0)?,
        merchant: row.text(1)?,
        mode: row.text(2)?,
        order_id: row.text(3)?,
        status: row.text(4)?,
        saga: row.text_or_null(5)?,
        amount: row.number(6)?,
        currency: row.text(7)?,
        captured: row.number(8)?,
        canceled: row.number(9)?,
        paid_by: row.text_or_null(10)?,
        head_sequence: row.number(11)?,
        head_hash: row.bytes(12)?,
        cancels: row.text_or_null(13)?,
        account: row.text_or_null(14)?,
    })
}

const GATEWAY_ORDERS: &str = "SELECT id, payment_id FROM gateway_orders";

fn gateway_order(row: &Row<'_>) -> anyhow::Result<(String, String)> {
    Ok((row.text(0)?, row.text(1)?))
}

fn sagas(dialect: Dialect) -> String {
    let keyed = dialect.condition("keyed");
    format!(
        "SELECT id, kind, payment_id, payment_key, amount, phase, outcome, {keyed},
                outcome_code, reversal_id, actor
         FROM sagas"
    )
}

fn saga(row: &Row<'_>) -> anyhow::Result<Saga> {
    Ok(Saga {
        id: row.text(0)?,
        kind: row.text(1)?,
        payment: row.text(2)?,
        payment_key: row.text_or_null(3)?,
        amount: row.number(4)?,
        phase: row.text(5)?,
        outcome: row.text_or_null(6)?,
        keyed: row.flag(7)?,
        outcome_code: row.text_or_null(8)?,
        reversal: row.text_or_null(9)?,
        actor: row.text(10)?,
    })
}

const ENTRIES: &str = "
    SELECT payment_id, payment_key, movement, debit, credit, amount, currency, transaction_key
    FROM entries";

fn entry(row: &Row<'_>) -> anyhow::Result<Entry> {
    Ok(Entry {
        payment: row.text(0)?,
        payment_key: row.text(1)?,
        movement: row.text(2)?,
        debit: row.text(3)?,
        credit: row.text(4)?,
        amount: row.number(5)?,
        currency: row.text(6)?,
        transaction_key: row.text_or_null(7)?,
    })
}

fn events(dialect: Dialect) -> String {
    let at = dialect.microseconds("occurred_at");
    format!(
        "SELECT merchant_id, mode, payment_id, sequence, kind, from_status, to_status, actor,
                reason, trace_id, {at}, payload, previous_hash, hash
         FROM events"
    )
}

fn event(row: &Row<'_>) -> anyhow::Result<Event> {
    Ok(Event {
        merchant: row.text(0)?,
        mode: row.text(1)?,
        payment: row.text(2)?,
        sequence: row.number(3)?,
        kind: row.text(4)?,
        from: row.text_or_null(5)?,
        to: row.text(6)?,
        actor: row.text(7)?,
        reason: row.text_or_null(8)?,
        trace: row.text(9)?,
        at: row.number(10)?,
        payload: row.bytes(11)?,
        previous: row.bytes(12)?,
        hash: row.bytes(13)?,
    })
}

fn keys(dialect: Dialect) -> String {
    let has_outcome = dialect.condition("outcome IS NOT NULL");
    format!(
        "SELECT merchant_id, mode, member, key, COALESCE(payment_id, ''), saga_id, {has_outcome}
         FROM idempotency_keys"
    )
}

fn key(row: &Row<'_>) -> anyhow::Result<Key> {
    Ok(Key {
        merchant: row.text(0)?,
        mode: row.text(1)?,
        member: row.text(2)?,
        name: row.text(3)?,
        payment: row.text(4)?,
        saga: row.text_or_null(5)?,
        has_outcome: row.flag(6)?,
    })
}

const FEED: &str = "
    SELECT position, merchant_id, mode, payment_id, sequence FROM feed ORDER BY position";

fn place(row: &Row<'_>) -> anyhow::Result<Place> {
    Ok(Place {
        position: row.number(0)?,
        merchant: row.text(1)?,
        mode: row.text(2)?,
        payment: row.text(3)?,
        sequence: row.number(4)?,
    })
}

const MEMBER_EVENTS: &str = "SELECT subject, sequence, merchant_id, mode, kind, from_status,
        to_status FROM member_events";

fn member_event(row: &Row<'_>) -> anyhow::Result<MemberEvent> {
    Ok(MemberEvent {
        subject: row.text(0)?,
        sequence: row.number(1)?,
        merchant: row.text(2)?,
        mode: row.text(3)?,
        kind: row.text(4)?,
        from: row.text_or_null(5)?,
        to: row.text(6)?,
    })
}

const UNSEQUENCED: &str = "SELECT payment_id, sequence FROM unsequenced";

fn unsequenced(row: &Row<'_>) -> anyhow::Result<(String, i64)> {
    Ok((row.text(0)?, row.number(1)?))
}
