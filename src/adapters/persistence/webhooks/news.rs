//! Owns reading what deliveries bring: events of payments, and notes about endpoints.

use std::collections::HashMap;

use application::ports::store::{Error, News};
use diesel::prelude::*;
use domain::event::PaymentEvent;
use domain::webhook::{Delivery, EventId, Note, Subject};

use super::rows::NoteRow;
use crate::adapters::persistence::books::FoundEvent;
use crate::adapters::persistence::connection::Database;
use crate::adapters::persistence::dialect::columns;
use crate::adapters::persistence::schema::{events, webhook_notes};

/// What is known by the names of it; or why its row cannot be read.
type Known = HashMap<EventId, Result<News, String>>;

/// What is asked for in one table.
#[derive(Default)]
struct Asked {
    subjects: Vec<String>,
    sequences: Vec<i64>,
}

impl Database {
    /// What these deliveries bring, as far as it is there.
    pub(super) async fn news_of(&self, claimed: &[Delivery]) -> Result<Known, Error> {
        let (mut payments, mut endpoints) = (Asked::default(), Asked::default());
        for EventId { subject, sequence } in claimed.iter().map(|delivery| delivery.key.event) {
            let asked = match subject {
                Subject::Payment(_) => &mut payments,
                Subject::Endpoint(_) => &mut endpoints,
            };
            asked.subjects.push(subject.to_string());
            asked.sequences.push(sequence);
        }
        let mut known = self.events_among(payments).await?;
        known.extend(self.notes_among(endpoints).await?);
        Ok(known)
    }

    // Both read a few rows more than are asked for: diesel has no word for pairs.

    async fn events_among(&self, asked: Asked) -> Result<Known, Error> {
        if asked.subjects.is_empty() {
            return Ok(Known::new());
        }
        let query = events::table
            .filter(events::payment_id.eq_any(asked.subjects))
            .filter(events::sequence.eq_any(asked.sequences))
            .select(columns::<FoundEvent>());
        let found = self.load::<_, FoundEvent>(query).await?;
        let by_id = |row: FoundEvent| {
            let (_, payment, sequence) = row.place()?;
            let id = EventId::of_payment(payment, sequence);
            let event = PaymentEvent::try_from(row).map_err(|error| error.to_string());
            Some((id, event.map(|event| News::Event(Box::new(event)))))
        };
        Ok(found.into_iter().filter_map(by_id).collect())
    }

    async fn notes_among(&self, asked: Asked) -> Result<Known, Error> {
        if asked.subjects.is_empty() {
            return Ok(Known::new());
        }
        let query = webhook_notes::table
            .filter(webhook_notes::endpoint_id.eq_any(asked.subjects))
            .filter(webhook_notes::version.eq_any(asked.sequences))
            .select(columns::<NoteRow>());
        let found = self.load::<_, NoteRow>(query).await?;
        let by_id = |row: NoteRow| {
            let id = EventId::of_endpoint(row.endpoint_id.parse().ok()?, row.version);
            let note = Note::try_from(row).map_err(|error| error.to_string());
            Some((id, note.map(News::Note)))
        };
        Ok(found.into_iter().filter_map(by_id).collect())
    }
}
