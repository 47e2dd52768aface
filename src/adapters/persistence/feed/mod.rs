//! Owns the reads of the feed: its lines, its readers, and what they have parked.

mod members;
mod rows;
mod sequence;

use std::collections::HashMap;
use std::time::Duration;

use application::ports::store::{Backlog, Error, Feed, Line, ReaderStanding, SequenceError};
use async_trait::async_trait;
use diesel::dsl::{count_star, sql};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use domain::Timestamp;
use domain::feed::{Cursor, Parked, Place, Reader, Subject};
use domain::lease::Tenure;
use domain::principal::Scope;

use super::books::FoundEvent;
use super::connection::Database;
use super::dialect::columns;
use super::error::corrupt;
use super::readable;
use super::schema::{cursors, epochs, events, feed, parked, unsequenced};
use super::types::AsInstant;
use rows::{Found, PlaceRow, line};

pub(super) use members::MemberEventRow;
pub(super) use rows::ParkedRow;

/// A position, and the payment's event that is there.
type LineRow = (i64, Option<FoundEvent>);

impl Database {
    /// When the event of this subject and sequence happened, where there is one.
    async fn happened_at(&self, event: Option<&(String, i64)>) -> Result<Option<Timestamp>, Error> {
        let Some((subject, sequence)) = event else {
            return Ok(None);
        };
        let found = events::table
            .find((subject, sequence))
            .select(events::occurred_at);
        let found = self.load::<_, AsInstant>(found).await?;
        let found = match found.first() {
            Some(at) => Some(*at),
            None => members::happened_at(self, subject, *sequence).await?,
        };
        Ok(found.map(|at| at.0))
    }

    /// The lines of places, in their order. A place and its payment's event are of one look; what a
    /// member's place tells was committed before its place, so that the look behind it sees it. No
    /// place is passed over for being new, and payments alone cost no second look.
    ///
    /// Of an event whose row does not say whose it is, or is not there, the feed's own row does: it
    /// is parked with its subject, and holds nobody else up. Where neither can be read there is no
    /// stream to park it in; it is left out, and the log says so.
    async fn placed(&self, rows: Vec<LineRow>) -> Result<Vec<Line>, Error> {
        let of_members = rows.iter().filter(|(_, event)| event.is_none());
        let of_members: Vec<i64> = of_members.map(|(position, _)| *position).collect();
        let mut members = HashMap::new();
        if !of_members.is_empty() {
            members.extend(members::at(self, of_members).await?);
        }
        let found = rows.into_iter().map(|(position, event)| {
            let member = || members.remove(&position).map(Found::Member);
            (position, event.map(Found::Payment).or_else(member))
        });
        let found: Vec<(i64, Option<Found>)> = found.collect();
        let is_unplaced = |found: &Option<Found>| found.as_ref().and_then(Found::place).is_none();
        let unplaced = found.iter().filter(|(_, found)| is_unplaced(found));
        let unplaced: Vec<i64> = unplaced.map(|(position, _)| *position).collect();
        let mut known = HashMap::new();
        if !unplaced.is_empty() {
            let query = feed::table
                .filter(feed::position.eq_any(unplaced))
                .select(columns::<PlaceRow>());
            let places: Vec<Place> = readable(self.load::<_, PlaceRow>(query).await?);
            known.extend(places.into_iter().map(|place| (place.position, place)));
        }
        let lines = found.into_iter().filter_map(|row| line(row, &known));
        Ok(lines.collect())
    }
}

/// The payment's event at a place.
macro_rules! its_event {
    () => {
        events::table.on(events::payment_id
            .eq(feed::payment_id)
            .and(events::sequence.eq(feed::sequence)))
    };
}

#[async_trait]
impl Feed for Database {
    async fn sequence(
        &self,
        tenure: &Tenure,
        lease: Duration,
        limit: u32,
    ) -> Result<u64, SequenceError> {
        self.give_positions(tenure, lease, limit).await
    }

    async fn backlog(&self) -> Result<Backlog, Error> {
        let counted = unsequenced::table.select(count_star());
        let counted = self.load::<_, i64>(counted).await?.first().copied();
        let first = unsequenced::table
            .order(unsequenced::id.asc())
            .limit(1)
            .select((unsequenced::payment_id, unsequenced::sequence));
        let first = self.load::<_, (String, i64)>(first).await?;
        let oldest = self.happened_at(first.first()).await?;
        Ok(Backlog {
            count: u64::try_from(counted.unwrap_or_default()).unwrap_or_default(),
            oldest,
        })
    }

    async fn head(&self) -> Result<Cursor, Error> {
        let query = epochs::table.select((
            sql::<BigInt>("COALESCE(MAX(number), 0)"),
            sql::<BigInt>("(SELECT COALESCE(MAX(position), 0) FROM feed)"),
        ));
        let rows = self.load::<_, (i64, i64)>(query).await?;
        let (epoch, position) = rows.first().copied().unwrap_or_default();
        Ok(Cursor { epoch, position })
    }

    async fn lines(&self, mut after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        loop {
            let query = feed::table
                .left_join(its_event!())
                .filter(feed::position.gt(after))
                .order(feed::position.asc())
                .limit(limit.into())
                .select((feed::position, columns::<Option<FoundEvent>>()));
            let rows = self.load::<_, LineRow>(query).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(Vec::new());
            };
            after = *last;
            // Where nothing of a batch can be read, what is behind it still can.
            let lines = self.placed(rows).await?;
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
    }

    async fn lines_of(&self, scope: Scope, mut after: i64, limit: u32) -> Result<Vec<Line>, Error> {
        loop {
            let query = feed::table
                .left_join(its_event!())
                .filter(feed::merchant_id.eq(scope.merchant.to_string()))
                .filter(feed::mode.eq(scope.mode.as_str()))
                .filter(feed::position.gt(after))
                .order(feed::position.asc())
                .limit(limit.into())
                .select((feed::position, columns::<Option<FoundEvent>>()));
            let rows = self.load::<_, LineRow>(query).await?;
            let Some((last, _)) = rows.last() else {
                return Ok(Vec::new());
            };
            after = *last;
            let lines = self.placed(rows).await?;
            if !lines.is_empty() {
                return Ok(lines);
            }
        }
    }

    async fn places(&self, mut after: i64, limit: u32) -> Result<Vec<Place>, Error> {
        loop {
            let query = feed::table
                .filter(feed::position.gt(after))
                .order(feed::position.asc())
                .limit(limit.into())
                .select(columns::<PlaceRow>());
            let rows = self.load::<_, PlaceRow>(query).await?;
            let Some(last) = rows.last() else {
                return Ok(Vec::new());
            };
            after = last.position();
            let places = readable(rows);
            if !places.is_empty() {
                return Ok(places);
            }
        }
    }

    async fn cursor(&self, reader: &Reader) -> Result<Option<Cursor>, Error> {
        let query = cursors::table
            .find(reader.as_str())
            .select((cursors::epoch, cursors::position));
        let rows = self.load::<_, (i64, i64)>(query).await?;
        let cursor = |(epoch, position): &(i64, i64)| Cursor {
            epoch: *epoch,
            position: *position,
        };
        Ok(rows.first().map(cursor))
    }

    async fn readers(&self) -> Result<Vec<ReaderStanding>, Error> {
        let query = cursors::table.order(cursors::reader.asc()).select((
            cursors::reader,
            cursors::epoch,
            cursors::position,
        ));
        let mut standings = Vec::new();
        for (name, epoch, position) in self.load::<_, (String, i64, i64)>(query).await? {
            let reader: Reader = name
                .parse()
                .map_err(|why: domain::principal::UnknownWord| {
                    corrupt("cursors", &name)(why.into())
                })?;
            let next = feed::table
                .filter(feed::position.gt(position))
                .order(feed::position.asc())
                .limit(1)
                .select((feed::payment_id, feed::sequence));
            let next = self.load::<_, (String, i64)>(next).await?;
            let waiting_since = self.happened_at(next.first()).await?;
            let count = parked::table
                .filter(parked::reader.eq(name))
                .select(count_star());
            let count = self.load::<_, i64>(count).await?.first().copied();
            standings.push(ReaderStanding {
                reader,
                cursor: Cursor { epoch, position },
                waiting_since,
                parked: u64::try_from(count.unwrap_or_default()).unwrap_or_default(),
            });
        }
        Ok(standings)
    }

    async fn parked_among(
        &self,
        reader: &Reader,
        subjects: &[Subject],
    ) -> Result<Vec<Subject>, Error> {
        let ids: Vec<String> = subjects.iter().map(ToString::to_string).collect();
        let query = parked::table
            .filter(parked::reader.eq(reader.as_str()))
            .filter(parked::payment_id.eq_any(ids))
            .select(parked::payment_id)
            .distinct();
        let rows = self.load::<_, String>(query).await?;
        Ok(rows.iter().filter_map(|id| id.parse().ok()).collect())
    }

    async fn parked(&self, reader: &Reader, after: i64, limit: u32) -> Result<Vec<Parked>, Error> {
        let query = parked::table
            .filter(parked::reader.eq(reader.as_str()))
            .filter(parked::position.gt(after))
            .order(parked::position.asc())
            .limit(limit.into())
            .select(columns::<ParkedRow>());
        Ok(readable(self.load::<_, ParkedRow>(query).await?))
    }

    async fn parked_lines(
        &self,
        reader: &Reader,
        subject: Subject,
        limit: u32,
    ) -> Result<Vec<Line>, Error> {
        let its_place = feed::table.on(feed::position.eq(parked::position));
        let query = parked::table
            .inner_join(its_place)
            .left_join(its_event!())
            .filter(parked::reader.eq(reader.as_str()))
            .filter(parked::payment_id.eq(subject.to_string()))
            .order(parked::sequence.asc())
            .limit(limit.into())
            .select((feed::position, columns::<Option<FoundEvent>>()));
        let rows = self.load::<_, LineRow>(query).await?;
        self.placed(rows).await
    }

    async fn asked(&self, reader: &Reader, limit: u32) -> Result<Vec<Subject>, Error> {
        let query = parked::table
            .filter(parked::reader.eq(reader.as_str()))
            .filter(sql::<diesel::sql_types::Bool>("asked"))
            .order(parked::position.asc())
            .limit(limit.into())
            .select(parked::payment_id);
        let rows = self.load::<_, String>(query).await?;
        Ok(rows.iter().filter_map(|id| id.parse().ok()).collect())
    }
}
