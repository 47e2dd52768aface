//! Owns how events of what is no payment lie in their rows, and which are at places of the feed.

use application::ports::store::Error;
use diesel::prelude::*;
use domain::feed::Subject;
use domain::id::MerchantId;
use domain::member_event::{self, Facts, Kind, MemberEvent};
use domain::principal::{Actor, Mode, Scope};
use domain::trace::Trace;

use crate::adapters::persistence::connection::Database;
use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::dialect::columns;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{feed, member_events};
use crate::adapters::persistence::types::{AsInstant, Read, place, scope};

/// A line as it is written.
#[derive(Insertable)]
#[diesel(table_name = member_events, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct MemberEventRow {
    subject: String,
    sequence: i64,
    merchant_id: String,
    mode: &'static str,
    kind: &'static str,
    from_status: Option<String>,
    to_status: &'static str,
    actor: &'static str,
    member: String,
    trace_id: String,
    trace_parent: String,
    occurred_at: AsInstant,
    payload: Vec<u8>,
}

impl From<&MemberEvent<Facts>> for MemberEventRow {
    fn from(event: &MemberEvent<Facts>) -> Self {
        Self {
            subject: event.subject.to_string(),
            sequence: event.sequence,
            merchant_id: event.scope.merchant.to_string(),
            mode: event.scope.mode.as_str(),
            kind: event.kind.as_str(),
            from_status: event.from.map(str::to_owned),
            to_status: event.to,
            actor: event.actor.as_str(),
            member: event.member.to_string(),
            trace_id: event.trace.id().to_string(),
            trace_parent: event.trace.parent(),
            occurred_at: AsInstant(event.at),
            payload: application::events::payload_of(&event.payload),
        }
    }
}

/// A line as it was found.
#[derive(Queryable, Selectable)]
#[diesel(table_name = member_events)]
pub(super) struct FoundMemberEvent {
    subject: Read<member_event::Subject>,
    sequence: i64,
    merchant_id: Read<MerchantId>,
    mode: Read<Mode>,
    kind: Read<Kind>,
    from_status: Option<String>,
    to_status: String,
    actor: Read<Actor>,
    member: String,
    trace_id: String,
    trace_parent: String,
    occurred_at: AsInstant,
    payload: Vec<u8>,
}

impl FoundMemberEvent {
    /// Whose it is, of what, and which of its events; none where the row does not say so.
    pub(super) fn place(&self) -> Option<(Scope, Subject, i64)> {
        let whose = (&self.merchant_id, &self.mode);
        let (scope, subject, sequence) = place(whose, &self.subject, self.sequence)?;
        Some((scope, Subject::Member(subject), sequence))
    }
}

impl TryFrom<FoundMemberEvent> for MemberEvent {
    type Error = Error;

    fn try_from(row: FoundMemberEvent) -> Result<Self, Error> {
        let subject = row.subject.0.as_ref().map(ToString::to_string);
        let id = format!("{}/{}", subject.unwrap_or_default(), row.sequence);
        let read = || -> Result<Self, Why> {
            let kind = row.kind.0?;
            let from = row.from_status.as_deref();
            Ok(Self {
                scope: scope(row.merchant_id, row.mode)?,
                subject: row.subject.0?,
                sequence: row.sequence,
                kind,
                from: from.map(|from| kind.status(from)).transpose()?,
                to: kind.status(&row.to_status)?,
                actor: row.actor.0?,
                member: row.member.parse()?,
                trace: Trace::kept(&row.trace_id, &row.trace_parent),
                at: row.occurred_at.0,
                payload: row.payload,
            })
        };
        read().map_err(corrupt("member_events", id))
    }
}

/// What is no payment's at these positions.
pub(super) async fn at(
    database: &Database,
    positions: Vec<i64>,
) -> Result<Vec<(i64, FoundMemberEvent)>, Error> {
    let its_event = member_events::table.on(member_events::subject
        .eq(feed::payment_id)
        .and(member_events::sequence.eq(feed::sequence)));
    let query = feed::table
        .inner_join(its_event)
        .filter(feed::position.eq_any(positions))
        .select((feed::position, columns::<FoundMemberEvent>()));
    database.load(query).await
}

/// When it happened.
pub(super) async fn happened_at(
    database: &Database,
    subject: &str,
    sequence: i64,
) -> Result<Option<AsInstant>, Error> {
    let query = member_events::table
        .find((subject.to_owned(), sequence))
        .select(member_events::occurred_at);
    let rows = database.load::<_, AsInstant>(query).await?;
    Ok(rows.first().copied())
}
