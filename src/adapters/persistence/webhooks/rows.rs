//! Owns how endpoints, deliveries and tries lie in their rows.

use std::time::Duration;

use application::ports::store::{Error, Listed, Listener};
use diesel::prelude::*;
use domain::principal::Scope;
use domain::vault::Sealed;
use domain::webhook::{
    Attempt, Delivery, DeliveryKey, Endpoint, EventId, Note, Secrets, Subject, Topic,
};

use crate::adapters::persistence::declines::Why;
use crate::adapters::persistence::error::corrupt;
use crate::adapters::persistence::schema::{
    deliveries, delivery_attempts, webhook_endpoints, webhook_notes,
};
use crate::adapters::persistence::types::{AsInstant, free_text};

/// An endpoint's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = webhook_endpoints, treat_none_as_default_value = false)]
pub(in crate::adapters::persistence) struct EndpointRow {
    id: String,
    merchant_id: String,
    mode: String,
    url: String,
    events: String,
    status: String,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    previous_until: Option<AsInstant>,
    failing_since: Option<AsInstant>,
    version: i64,
    created_at: AsInstant,
}

/// What a person may change of it.
#[derive(AsChangeset)]
#[diesel(table_name = webhook_endpoints, treat_none_as_null = true)]
pub(in crate::adapters::persistence) struct EditRow {
    url: String,
    events: String,
    status: String,
    secret: Vec<u8>,
    previous_secret: Option<Vec<u8>>,
    previous_until: Option<AsInstant>,
    version: i64,
}

impl From<&Endpoint> for EditRow {
    fn from(endpoint: &Endpoint) -> Self {
        let previous = endpoint.secrets.previous.as_ref();
        Self {
            url: endpoint.url.to_string(),
            events: endpoint.events.to_string(),
            status: endpoint.status.to_string(),
            secret: endpoint.secrets.current.0.clone(),
            previous_secret: previous.map(|(sealed, _)| sealed.0.clone()),
            previous_until: previous.map(|(_, until)| AsInstant(*until)),
            version: endpoint.version,
        }
    }
}

impl From<&Endpoint> for EndpointRow {
    fn from(endpoint: &Endpoint) -> Self {
        let edit = EditRow::from(endpoint);
        Self {
            id: endpoint.id.to_string(),
            merchant_id: endpoint.scope.merchant.to_string(),
            mode: endpoint.scope.mode.to_string(),
            url: edit.url,
            events: edit.events,
            status: edit.status,
            secret: edit.secret,
            previous_secret: edit.previous_secret,
            previous_until: edit.previous_until,
            failing_since: endpoint.failing_since.map(AsInstant),
            version: edit.version,
            created_at: AsInstant(endpoint.created_at),
        }
    }
}

impl TryFrom<EndpointRow> for Endpoint {
    type Error = Error;

    fn try_from(row: EndpointRow) -> Result<Self, Error> {
        let id = row.id.clone();
        let read = move || -> Result<Self, Why> {
            let previous = match (row.previous_secret, row.previous_until) {
                (None, None) => None,
                (Some(sealed), Some(until)) => Some((Sealed(sealed), until.0)),
                (_, _) => return Err("half of a previous secret".into()),
            };
            Ok(Self {
                id: row.id.parse()?,
                scope: Scope {
                    merchant: row.merchant_id.parse()?,
                    mode: row.mode.parse()?,
                },
                url: row.url.parse()?,
                events: row.events.parse()?,
                status: row.status.parse()?,
                secrets: Secrets {
                    current: Sealed(row.secret),
                    previous,
                },
                failing_since: row.failing_since.map(|since| since.0),
                version: row.version,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("webhook_endpoints", id))
    }
}

impl TryFrom<EndpointRow> for Listener {
    type Error = Error;

    fn try_from(row: EndpointRow) -> Result<Self, Error> {
        let merchant = row.merchant_id.parse();
        let merchant =
            merchant.map_err(|why| corrupt("webhook_endpoints", &row.id)(Why::from(why)));
        let endpoint = Endpoint::try_from(row).map_err(|error| error.to_string());
        Ok(Self {
            merchant: merchant?,
            endpoint,
        })
    }
}

/// The row of a line about an endpoint.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = webhook_notes)]
pub(in crate::adapters::persistence) struct NoteRow {
    pub(super) endpoint_id: String,
    pub(super) version: i64,
    deed: String,
    actor: String,
    done_at: AsInstant,
}

impl From<&Note> for NoteRow {
    fn from(note: &Note) -> Self {
        Self {
            endpoint_id: note.endpoint.to_string(),
            version: note.version,
            deed: note.deed.to_string(),
            actor: note.actor.as_str().to_owned(),
            done_at: AsInstant(note.at),
        }
    }
}

impl TryFrom<NoteRow> for Note {
    type Error = Error;

    fn try_from(row: NoteRow) -> Result<Self, Error> {
        let read = || -> Result<Self, Why> {
            Ok(Self {
                endpoint: row.endpoint_id.parse()?,
                version: row.version,
                deed: row.deed.parse()?,
                actor: row.actor.parse()?,
                at: row.done_at.0,
            })
        };
        read().map_err(corrupt("webhook_notes", &row.endpoint_id))
    }
}

/// Which delivery the columns name that its row and those of its tries begin with.
fn key(endpoint: &str, (subject, sequence): (&str, i64)) -> Result<DeliveryKey, Why> {
    Ok(DeliveryKey {
        endpoint: endpoint.parse()?,
        event: EventId {
            subject: subject.parse()?,
            sequence,
        },
    })
}

/// A delivery's row, without its hold.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = deliveries)]
pub(in crate::adapters::persistence) struct DeliveryRow {
    endpoint_id: String,
    subject_id: String,
    sequence: i64,
    pub(super) position: i64,
    state: String,
    tries: i64,
    rung: i64,
    began_at: AsInstant,
    due_at: AsInstant,
    pub(super) version: i64,
    created_at: AsInstant,
}

impl From<&Delivery> for DeliveryRow {
    fn from(delivery: &Delivery) -> Self {
        let key = &delivery.key;
        Self {
            endpoint_id: key.endpoint.to_string(),
            subject_id: key.event.subject.to_string(),
            sequence: key.event.sequence,
            position: delivery.position,
            state: delivery.state.to_string(),
            tries: delivery.tries,
            rung: delivery.rung,
            began_at: AsInstant(delivery.began_at),
            due_at: AsInstant(delivery.due_at),
            version: delivery.version,
            created_at: AsInstant(delivery.created_at),
        }
    }
}

impl TryFrom<DeliveryRow> for Delivery {
    type Error = Error;

    fn try_from(row: DeliveryRow) -> Result<Self, Error> {
        let id = format!("{}/{}-{}", row.endpoint_id, row.subject_id, row.sequence);
        let read = || -> Result<Self, Why> {
            Ok(Self {
                key: key(&row.endpoint_id, (&row.subject_id, row.sequence))?,
                position: row.position,
                state: row.state.parse()?,
                tries: row.tries,
                rung: row.rung,
                began_at: row.began_at.0,
                due_at: row.due_at.0,
                version: row.version,
                created_at: row.created_at.0,
            })
        };
        read().map_err(corrupt("deliveries", id))
    }
}

/// A delivery beside the kind of its event, where that is one of a payment.
pub(super) struct ListedRow(pub(super) DeliveryRow, pub(super) Option<String>);

impl TryFrom<ListedRow> for Listed {
    type Error = Error;

    fn try_from(ListedRow(row, kind): ListedRow) -> Result<Self, Error> {
        let delivery = Delivery::try_from(row)?;
        let event = delivery.key.event;
        let kind = match (event.subject, kind) {
            (Subject::Payment(_), Some(kind)) => kind,
            (Subject::Payment(_), None) => {
                return Err(corrupt("deliveries", event)(
                    "there is no such event".into(),
                ));
            }
            (Subject::Endpoint(_), _) => Topic::EndpointDisabled.to_string(),
        };
        Ok(Self { delivery, kind })
    }
}

/// A try's row.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = delivery_attempts)]
pub(in crate::adapters::persistence) struct AttemptRow {
    endpoint_id: String,
    subject_id: String,
    sequence: i64,
    number: i64,
    tried_at: AsInstant,
    took_micros: i64,
    outcome: String,
    status: Option<i32>,
    detail: String,
}

impl From<&Attempt> for AttemptRow {
    fn from(attempt: &Attempt) -> Self {
        let key = &attempt.key;
        Self {
            endpoint_id: key.endpoint.to_string(),
            subject_id: key.event.subject.to_string(),
            sequence: key.event.sequence,
            number: attempt.number,
            tried_at: AsInstant(attempt.at),
            took_micros: i64::try_from(attempt.took.as_micros()).unwrap_or(i64::MAX),
            outcome: attempt.outcome.to_string(),
            status: attempt.status.map(i32::from),
            detail: free_text(&attempt.detail),
        }
    }
}

impl TryFrom<AttemptRow> for Attempt {
    type Error = Error;

    fn try_from(row: AttemptRow) -> Result<Self, Error> {
        let id = format!("{}-{}/{}", row.subject_id, row.sequence, row.number);
        let read = || -> Result<Self, Why> {
            Ok(Self {
                key: key(&row.endpoint_id, (&row.subject_id, row.sequence))?,
                number: row.number,
                at: row.tried_at.0,
                took: Duration::from_micros(row.took_micros.try_into()?),
                outcome: row.outcome.parse()?,
                status: row.status.map(u16::try_from).transpose()?,
                detail: row.detail,
            })
        };
        read().map_err(corrupt("delivery_attempts", id))
    }
}
