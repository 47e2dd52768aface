//! Owns the rows of webhooks: where they come, and which were taken.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::orders::{keep, order_of};
use super::{Error, Store};
use crate::clock::Timestamp;
use crate::hooks::{Hook, Message};
use crate::order::Status;
use crate::payflow::PaymentStatus;

/// For how long a message is remembered; Payflow tries for three days, and forgets after thirty.
const REMEMBERED: chrono::TimeDelta = chrono::TimeDelta::days(60);

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// The order is as it says.
    Told,
    /// It was taken before.
    Again,
    /// The shop knows more, has no such order, or it is about no payment.
    Nothing,
    /// It is of another payment than the order's, or of another amount.
    Foreign,
}

impl Store {
    /// Where Payflow tells what happens.
    pub(crate) async fn hook(&self) -> Result<Option<Hook>, Error> {
        self.run(|connection| {
            let read = |row: &rusqlite::Row<'_>| {
                Ok(Hook {
                    endpoint: row.get(0)?,
                    url: row.get(1)?,
                    secret: row.get(2)?,
                })
            };
            let mut statement =
                connection.prepare_cached("SELECT endpoint, url, secret FROM hook")?;
            Ok(statement.query_row([], read).optional()?)
        })
        .await
    }

    /// Remembers where Payflow tells what happens, from now on.
    pub(crate) async fn set_hook(&self, hook: Hook) -> Result<(), Error> {
        self.run(move |connection| {
            connection.execute(
                "INSERT OR REPLACE INTO hook (number, endpoint, url, secret)
                 VALUES (1, ?1, ?2, ?3)",
                params![hook.endpoint, hook.url, hook.secret],
            )?;
            Ok(())
        })
        .await
    }

    /// Takes a message once: its name and what follows from it are written together.
    pub(crate) async fn take(&self, message: Message, now: Timestamp) -> Result<Taken, Error> {
        let taken = self.run(move |connection| {
            let forgotten = now.checked_sub_signed(REMEMBERED).unwrap_or(now);
            connection.execute(
                "DELETE FROM messages WHERE taken_micros < ?1",
                [forgotten.timestamp_micros()],
            )?;
            let is_new = connection.execute(
                "INSERT OR IGNORE INTO messages (id, taken_micros) VALUES (?1, ?2)",
                params![message.id, now.timestamp_micros()],
            )?;
            if is_new == 0 {
                return Ok(Taken::Again);
            }
            tell(connection, message)
        });
        let taken = taken.await?;
        self.changed(taken == Taken::Told);
        Ok(taken)
    }
}

fn tell(connection: &Connection, message: Message) -> Result<Taken, Error> {
    let Some(told) = message.told else {
        return Ok(Taken::Nothing);
    };
    let Some(order) = order_of(connection, &told.order)? else {
        return Ok(Taken::Nothing);
    };
    // Messages overtake each other, and answers overtake messages: what is older than what was
    // told changes nothing.
    let known: i64 = connection.query_row(
        "SELECT told FROM orders WHERE id = ?1",
        [&order.id],
        |row| row.get(0),
    )?;
    if told.sequence <= known {
        return Ok(Taken::Nothing);
    }
    // That the account was issued is no news of an order that was paid in to it since.
    if order.status == Status::Confirmed
        && told.status == PaymentStatus::WaitingForDeposit
        && !told.is_taken_back
    {
        return Ok(Taken::Nothing);
    }
    let sequence = told.sequence;
    let payment = told.payment(order.payment.as_ref());
    let known = (order.payment.is_some(), order.status, order.refunded());
    let Ok(order) = order.told(payment) else {
        return Ok(Taken::Foreign);
    };
    // Only what was believed: whatever was dropped must not keep out what comes after it.
    connection.execute(
        "UPDATE orders SET told = ?2 WHERE id = ?1",
        params![order.id, sequence],
    )?;
    // An answer may have told more than this message, which then must not lead back.
    if known == (true, order.status, order.refunded()) {
        return Ok(Taken::Nothing);
    }
    let is_news = keep(connection, &order)?;
    Ok(if is_news { Taken::Told } else { Taken::Nothing })
}
