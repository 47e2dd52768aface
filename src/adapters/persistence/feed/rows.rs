//! Owns how places and parked events lie in their rows.

use std::collections::HashMap;

use application::ports::store::{Error, Line};
use diesel::prelude::*;
use domain::event::PaymentEvent;
use domain::feed::{Happening, Parked, Place, Subject};
use domain::member_event::MemberEvent;
use domain::principal::Scope;
use serde::de::IgnoredAny;

use crate::adapters::persistence::books::FoundEvent;
use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{feed, parked};
use crate::adapters::persistence::types::{AsInstant, free_text};

use super::members::FoundMemberEvent;

/// Where an event is.
#[derive(Queryable, Selectable)]
#[diesel(table_name = feed)]
pub(super) struct PlaceRow {
    position: i64,
    merchant_id: String,
    mode: String,
    payment_id: String,
    sequence: i64,
}

impl PlaceRow {
    /// Where it is, whatever else can be read of it.
    pub(super) const fn position(&self) -> i64 {
        self.position
    }
}

impl TryFrom<PlaceRow> for Place {
    type Error = Error;

    fn try_from(row: PlaceRow) -> Result<Self, Error> {
        let position = row.position;
        let read = || -> Result<Self, Why> {
            Ok(Self {
                position,
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                subject: row.payment_id.parse()?,
                sequence: row.sequence,
            })
        };
        read().map_err(corrupt("feed", position))
    }
}

/// What is at a place.
pub(super) enum Found {
    /// A payment's event.
    Payment(FoundEvent),
    /// An event of what a member has besides.
    Member(FoundMemberEvent),
}

impl Found {
    /// Whose it is, of what, and which of its events; none where its row does not say so.
    pub(super) fn place(&self) -> Option<(Scope, Subject, i64)> {
        match self {
            Self::Payment(event) => {
                let (scope, payment, sequence) = event.place()?;
                Some((scope, Subject::Payment(payment), sequence))
            }
            Self::Member(event) => event.place(),
        }
    }

    /// What happened. Whoever reads the feed passes on what it says as JSON: a payload that is none
    /// is as little to be read as a word that nobody knows.
    fn happening(self) -> Result<Happening, Error> {
        let (happening, table) = match self {
            Self::Payment(event) => {
                let event = PaymentEvent::try_from(event)?;
                (Happening::Payment(event), "events")
            }
            Self::Member(event) => {
                let event = MemberEvent::try_from(event)?;
                (Happening::Member(event), "member_events")
            }
        };
        let payload = match &happening {
            Happening::Payment(event) => &event.payload,
            Happening::Member(event) => &event.payload,
        };
        match serde_json::from_slice::<IgnoredAny>(payload) {
            Ok(IgnoredAny) => Ok(happening),
            // What is wrong, and nothing of what it says.
            Err(error) => {
                let id = format!("{}/{}", happening.subject(), happening.sequence());
                Err(corrupt(table, id)(format!("no JSON: {error}").into()))
            }
        }
    }
}

/// What is at a position; one that this version cannot read keeps the others from nothing. Whose it
/// is stands in both rows: it is read, and sent, once, and the feed's is `known` where the event's
/// cannot be read.
pub(super) fn line(row: (i64, Option<Found>), known: &HashMap<i64, Place>) -> Option<Line> {
    let (position, found) = row;
    let place = match found.as_ref().and_then(Found::place) {
        Some((scope, subject, sequence)) => Place {
            position,
            scope,
            subject,
            sequence,
        },
        None => *known.get(&position)?,
    };
    let event = match found {
        Some(found) => found.happening(),
        None => Err(corrupt("feed", position)("there is no such event".into())),
    };
    Some(Line {
        place,
        event: event.map_err(|error| error.to_string()),
    })
}

/// A parked event's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = parked)]
pub(in crate::adapters::persistence) struct ParkedRow {
    reader: String,
    payment_id: String,
    sequence: i64,
    position: i64,
    reason: String,
    parked_at: AsInstant,
    asked: bool,
}

impl From<&Parked> for ParkedRow {
    fn from(parked: &Parked) -> Self {
        Self {
            reader: parked.reader.to_string(),
            payment_id: parked.subject.to_string(),
            sequence: parked.sequence,
            position: parked.position,
            reason: free_text(&parked.reason),
            parked_at: AsInstant(parked.parked_at),
            asked: parked.asked,
        }
    }
}

impl TryFrom<ParkedRow> for Parked {
    type Error = Error;

    fn try_from(row: ParkedRow) -> Result<Self, Error> {
        let id = format!("{}/{}/{}", row.reader, row.payment_id, row.sequence);
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                reader: row.reader.parse()?,
                subject: row.payment_id.parse()?,
                sequence: row.sequence,
                position: row.position,
                reason: row.reason,
                parked_at: row.parked_at.0,
                asked: row.asked,
            })
        };
        read().map_err(corrupt("parked", id))
    }
}
