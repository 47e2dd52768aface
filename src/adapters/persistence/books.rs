//! Owns the reads of the ledger and the event log, and how their lines lie in their rows.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::event::{Hash, Kind, PaymentEvent};
use domain::id::{MerchantId, PaymentId};
use domain::ledger::Entry;
use domain::money::Money;
use domain::payment::PayStatus;
use domain::principal::{Actor, Mode, Scope};
use domain::trace::Trace;

use super::connection::Database;
use super::declines::Why;
use super::dialect::columns;
use super::error::corrupt;
use super::schema::{entries, events};
use super::types::{AsInstant, Read, free_text, place, scope};

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

/// An event's row on its way in.
#[derive(Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub(super) struct EventRow {
    payment_id: String,
    sequence: i64,
    merchant_id: String,
    mode: String,
    kind: String,
    from_status: Option<String>,
    to_status: String,
    actor: String,
    reason: Option<String>,
    trace_id: String,
    trace_parent: String,
    occurred_at: AsInstant,
    payload: Vec<u8>,
    previous_hash: Vec<u8>,
    hash: Vec<u8>,
}

/// An event's row as it was found: they are read by the hundred thousand.
#[derive(Queryable, Selectable)]
#[diesel(table_name = events)]
pub(super) struct FoundEvent {
    payment_id: Read<PaymentId>,
    sequence: i64,
    merchant_id: Read<MerchantId>,
    mode: Read<Mode>,
    kind: Read<Kind>,
    from_status: Option<Read<PayStatus>>,
    to_status: Read<PayStatus>,
    actor: Read<Actor>,
    reason: Option<String>,
    trace_id: String,
    trace_parent: String,
    occurred_at: AsInstant,
    payload: Vec<u8>,
    previous_hash: Read<Hash>,
    hash: Read<Hash>,
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
            trace_id: event.trace.id().to_string(),
            trace_parent: event.trace.parent(),
            occurred_at: AsInstant(event.at),
            payload: event.payload.clone(),
            previous_hash: event.previous.0.to_vec(),
            hash: event.hash.0.to_vec(),
        }
    }
}

impl FoundEvent {
    /// Whose it is, of which payment, and which of its events.
    pub(super) fn place(&self) -> Option<(Scope, PaymentId, i64)> {
        let whose = (&self.merchant_id, &self.mode);
        place(whose, &self.payment_id, self.sequence)
    }
}

impl TryFrom<FoundEvent> for PaymentEvent {
    type Error = Error;

    fn try_from(row: FoundEvent) -> Result<Self, Error> {
        let payment = row.payment_id.0.as_ref().ok().copied();
        let sequence = row.sequence;
        event(row).map_err(|why| {
            let payment = payment.map_or_else(String::new, |payment| payment.to_string());
            corrupt("events", format!("{payment}/{sequence}"))(why)
        })
    }
}

fn event(row: FoundEvent) -> Result<PaymentEvent, Why> {
    Ok(PaymentEvent {
        scope: scope(row.merchant_id, row.mode)?,
        payment: row.payment_id.0?,
        sequence: row.sequence,
        kind: row.kind.0?,
        from: row.from_status.map(|from| from.0).transpose()?,
        to: row.to_status.0?,
        actor: row.actor.0?,
        reason: row.reason,
        trace: Trace::kept(&row.trace_id, &row.trace_parent),
        at: row.occurred_at.0,
        payload: row.payload,
        previous: row.previous_hash.0?,
        hash: row.hash.0?,
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
        .select(columns::<FoundEvent>());
    let rows = database.load::<_, FoundEvent>(query).await?;
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
