//! Owns the reads of the ledger and the event log, and how their lines lie in their rows.

use std::mem::take;

use application::ports::store::Error;
use diesel::prelude::*;
use domain::event::{Hash, PaymentEvent};
use domain::id::PaymentId;
use domain::ledger::Entry;
use domain::money::Money;
use domain::principal::Scope;

use super::connection::Database;
use super::declines::Why;
use super::dialect::columns;
use super::error::corrupt;
use super::schema::{entries, events};
use super::types::{AsInstant, free_text};

/// A ledger line's row; its position is the database's.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = entries, treat_none_as_default_value = false)]
pub(super) struct EntryRow {
    merchant_id: String,
    mode: String,
    gateway_account_id: String,
    payment_key: String,
    movement: String,
    payment_id: String,
    saga_id: Option<String>,
    debit: String,
    credit: String,
    currency: String,
    amount: i64,
    transaction_key: Option<String>,
    occurred_at: Option<AsInstant>,
    booked_at: AsInstant,
}

impl From<&Entry> for EntryRow {
    fn from(entry: &Entry) -> Self {
        Self {
            merchant_id: entry.scope.merchant.to_string(),
            mode: entry.scope.mode.as_str().to_owned(),
            gateway_account_id: entry.account.to_string(),
            payment_key: entry.payment_key.to_string(),
            movement: entry.movement.to_string(),
            payment_id: entry.payment.to_string(),
            saga_id: entry.saga.map(|saga| saga.to_string()),
            debit: entry.debit.as_str().to_owned(),
            credit: entry.credit.as_str().to_owned(),
            currency: entry.amount.currency().code().to_owned(),
            amount: entry.amount.minor(),
            transaction_key: entry.transaction_key.as_ref().map(ToString::to_string),
            occurred_at: entry.occurred_at.map(AsInstant),
            booked_at: AsInstant(entry.booked_at),
        }
    }
}

impl TryFrom<EntryRow> for Entry {
    type Error = Error;

    fn try_from(row: EntryRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                account: row.gateway_account_id.parse()?,
                payment_key: row.payment_key.parse()?,
                movement: row.movement.parse()?,
                payment: row.payment_id.parse()?,
                saga: row.saga_id.as_deref().map(str::parse).transpose()?,
                debit: row.debit.parse()?,
                credit: row.credit.parse()?,
                amount: Money::new(row.amount, row.currency.parse()?)?,
                transaction_key: row.transaction_key.as_deref().map(str::parse).transpose()?,
                occurred_at: row.occurred_at.map(|at| at.0),
                booked_at: row.booked_at.0,
            })
        };
        let id = format!("{}/{}", row.payment_key, row.movement);
        read().map_err(corrupt("entries", id))
    }
}

/// An event's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub(super) struct EventRow {
    pub(super) payment_id: String,
    pub(super) sequence: i64,
    pub(super) merchant_id: String,
    pub(super) mode: String,
    kind: String,
    from_status: Option<String>,
    to_status: String,
    actor: String,
    reason: Option<String>,
    trace_id: String,
    occurred_at: AsInstant,
    payload: Vec<u8>,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

impl From<&PaymentEvent> for EventRow {
    fn from(event: &PaymentEvent) -> Self {
        Self {
            payment_id: event.payment.to_string(),
            sequence: event.sequence,
            merchant_id: event.scope.merchant.to_string(),
            mode: event.scope.mode.as_str().to_owned(),
            kind: event.kind.as_str().to_owned(),
            from_status: event.from.map(|status| status.as_str().to_owned()),
            to_status: event.to.as_str().to_owned(),
            actor: event.actor.as_str().to_owned(),
            reason: event.reason.as_deref().map(free_text),
            trace_id: event.trace.clone(),
            occurred_at: AsInstant(event.at),
            payload: event.payload.clone(),
            previous_hash: event.previous.0.to_vec(),
            hash: event.hash.0.to_vec(),
        }
    }
}

impl TryFrom<EventRow> for PaymentEvent {
    type Error = Error;

    fn try_from(mut row: EventRow) -> Result<Self, Error> {
        event(&mut row).map_err(|why| {
            let id = format!("{}/{}", row.payment_id, row.sequence);
            corrupt("events", id)(why)
        })
    }
}

/// Takes what it needs out of the row.
fn event(row: &mut EventRow) -> Result<PaymentEvent, Why> {
    Ok(PaymentEvent {
        scope: Scope {
            merchant: row.merchant_id.parse()?,
            mode: row.mode.parse()?,
        },
        payment: row.payment_id.parse()?,
        sequence: row.sequence,
        kind: row.kind.parse()?,
        from: row.from_status.as_deref().map(str::parse).transpose()?,
        to: row.to_status.parse()?,
        actor: row.actor.parse()?,
        reason: row.reason.take(),
        trace: take(&mut row.trace_id),
        at: row.occurred_at.0,
        payload: take(&mut row.payload),
        previous: Hash(row.previous_hash.as_slice().try_into()?),
        hash: Hash(row.hash.as_slice().try_into()?),
    })
}

pub(super) async fn events(
    database: &Database,
    payment: PaymentId,
    after: i64,
    limit: u32,
) -> Result<Vec<PaymentEvent>, Error> {
    let query = events::table
        .filter(events::payment_id.eq(payment.to_string()))
        .filter(events::sequence.gt(after))
        .order(events::sequence.asc())
        .limit(limit.into())
        .select(columns::<EventRow>());
    let rows = database.load::<_, EventRow>(query).await?;
    rows.into_iter().map(PaymentEvent::try_from).collect()
}

pub(super) async fn entries(database: &Database, payment: PaymentId) -> Result<Vec<Entry>, Error> {
    let query = entries::table
        .filter(entries::payment_id.eq(payment.to_string()))
        .order(entries::position.asc())
        .select(columns::<EntryRow>());
    let rows = database.load::<_, EntryRow>(query).await?;
    rows.into_iter().map(Entry::try_from).collect()
}
