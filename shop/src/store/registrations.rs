//! Owns the rows of cards that are registered, and what for.

use rusqlite::{OptionalExtension as _, Row, params};

use super::{Error, Store};
use crate::clock::Timestamp;
use crate::intent::State;
use crate::membership::{Purpose, Registering};

const SELECT: &str = "SELECT card, owner, customer_key, purpose, subject, auth_key, state, code
    FROM registrations";

impl Store {
    /// Stores what a card is registered for.
    pub(crate) async fn register(&self, one: Registering, now: Timestamp) -> Result<(), Error> {
        self.run(move |connection| {
            let (purpose, subject) = match &one.purpose {
                Purpose::Subscribe { plan } => ("SUBSCRIBE", plan),
                Purpose::Pay { subscription } => ("PAY", subscription),
            };
            connection.execute(
                "INSERT INTO registrations
                     (card, owner, customer_key, purpose, subject, state, created_micros)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                params![
                    one.card,
                    one.owner,
                    one.customer_key,
                    purpose,
                    subject,
                    one.state.as_str(),
                    now.timestamp_micros(),
                ],
            )?;
            Ok(())
        })
        .await
    }

    /// Keeps what the window brought back, the first time; the registration, where there is one of
    /// this owner's that was opened with that. While another card subscribes the owner to the same
    /// plan nothing is kept: one of them is charged.
    pub(crate) async fn authorised(
        &self,
        owner: &str,
        card: &str,
        (customer_key, auth_key): (&str, &str),
    ) -> Result<Option<Registering>, Error> {
        let (owner, card) = (owner.to_owned(), card.to_owned());
        let (customer_key, auth_key) = (customer_key.to_owned(), auth_key.to_owned());
        self.run(move |connection| {
            connection.execute(
                "UPDATE OR IGNORE registrations SET auth_key = ?4
                 WHERE card = ?1 AND owner = ?2 AND customer_key = ?3
                     AND state = 'OPEN' AND auth_key IS NULL",
                params![card, owner, customer_key, auth_key],
            )?;
            let select = format!("{SELECT} WHERE card = ?1 AND owner = ?2 AND customer_key = ?3");
            let mut statement = connection.prepare_cached(&select)?;
            let found = statement.query_row(params![card, owner, customer_key], Stored::read);
            found.optional()?.map(Stored::registering).transpose()
        })
        .await
    }

    /// What a card of this owner's is registered for.
    pub(crate) async fn purpose(&self, owner: &str, card: &str) -> Result<Option<Purpose>, Error> {
        let (owner, card) = (owner.to_owned(), card.to_owned());
        self.run(move |connection| {
            let select = format!("{SELECT} WHERE card = ?1 AND owner = ?2");
            let mut statement = connection.prepare_cached(&select)?;
            let found = statement.query_row(params![card, owner], Stored::read);
            let found = found.optional()?.map(Stored::registering).transpose()?;
            Ok(found.map(|found| found.purpose))
        })
        .await
    }

    /// The newest registration of a visitor's that the window came back from.
    pub(crate) async fn newest(&self, owner: &str) -> Result<Option<Registering>, Error> {
        let owner = owner.to_owned();
        self.run(move |connection| {
            let select = format!(
                "{SELECT} WHERE owner = ?1 AND (auth_key IS NOT NULL OR state <> 'OPEN')
                 ORDER BY created_micros DESC LIMIT 1"
            );
            let mut statement = connection.prepare_cached(&select)?;
            let found = statement.query_row([owner], Stored::read).optional()?;
            found.map(Stored::registering).transpose()
        })
        .await
    }

    /// Those to be brought on, at most so many: any of them.
    pub(crate) async fn registering(&self, rows_max: i64) -> Result<Vec<Registering>, Error> {
        self.run(move |connection| {
            let select = format!(
                "{SELECT} WHERE state = 'OPEN' AND auth_key IS NOT NULL
                 ORDER BY random() LIMIT ?1"
            );
            let mut statement = connection.prepare_cached(&select)?;
            let rows = statement.query_map([rows_max], Stored::read)?;
            rows.map(|row| row?.registering()).collect()
        })
        .await
    }

    /// Ends a registration, and forgets what the window brought back.
    pub(crate) async fn registered(
        &self,
        card: &str,
        (state, code): (State, Option<String>),
    ) -> Result<(), Error> {
        let card = card.to_owned();
        self.run(move |connection| {
            connection.execute(
                "UPDATE registrations SET state = ?2, code = ?3, auth_key = NULL
                 WHERE card = ?1 AND state = 'OPEN'",
                params![card, state.as_str(), code],
            )?;
            Ok(())
        })
        .await
    }
}

/// A row as it is stored.
struct Stored {
    registering: Registering,
    purpose: String,
    subject: String,
    state: String,
}

impl Stored {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            registering: Registering {
                card: row.get(0)?,
                owner: row.get(1)?,
                customer_key: row.get(2)?,
                purpose: Purpose::Subscribe {
                    plan: String::new(),
                },
                auth_key: row.get(5)?,
                state: State::Open,
                code: row.get(7)?,
            },
            purpose: row.get(3)?,
            subject: row.get(4)?,
            state: row.get(6)?,
        })
    }

    fn registering(self) -> Result<Registering, Error> {
        let unreadable = |column, text: &str| Error::Unreadable {
            column,
            text: text.to_owned(),
        };
        let purpose = match self.purpose.as_str() {
            "SUBSCRIBE" => Purpose::Subscribe { plan: self.subject },
            "PAY" => Purpose::Pay {
                subscription: self.subject,
            },
            purpose => return Err(unreadable("purpose", purpose)),
        };
        let state = State::of_word(&self.state).ok_or_else(|| unreadable("state", &self.state))?;
        Ok(Registering {
            purpose,
            state,
            ..self.registering
        })
    }
}
