//! Owns how places and parked events lie in their rows.

use std::collections::HashMap;

use application::ports::store::{Error, Line};
use diesel::prelude::*;
use domain::event::PaymentEvent;
use domain::feed::{Parked, Place};
use domain::principal::Scope;

use crate::adapters::persistence::books::FoundEvent;
use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{feed, parked};
use crate::adapters::persistence::types::{AsInstant, free_text};

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
                payment: row.payment_id.parse()?,
                sequence: row.sequence,
            })
        };
        read().map_err(corrupt("feed", position))
    }
}

/// An event at its position; one that this version cannot read keeps the others from nothing.
/// Whose it is stands in both rows: it is read, and sent, once, and the feed's is `known` where the
/// event's cannot be read.
pub(super) fn line(row: (i64, FoundEvent), known: &HashMap<i64, Place>) -> Option<Line> {
    let (position, event) = row;
    let place = match event.place() {
        Some((scope, payment, sequence)) => Place {
            position,
            scope,
            payment,
            sequence,
        },
        None => *known.get(&position)?,
    };
    Some(Line {
        place,
        event: PaymentEvent::try_from(event).map_err(|error| error.to_string()),
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
            payment_id: parked.payment.to_string(),
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
                payment: row.payment_id.parse()?,
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
