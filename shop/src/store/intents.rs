//! Owns the rows of intents: begun once, ended once, one open per order.

use rusqlite::{Connection, Row, params};

use super::orders::{keep, order_of};
use super::{Error, Store};
use crate::intent::{Act, Intent, State};
use crate::order::{Order, Status, Way};
use crate::payflow::PaymentStatus;

const SELECT: &str =
    "SELECT order_id, number, act, payment_key, gateway_order, amount, state, code, bank, holder
     FROM intents";

/// What became of the wish to begin an intent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// It is stored now, or was before: to be sent while it is open.
    Intent(Intent),
    /// Something else is under way for the order.
    Busy,
    /// The order is no longer as it was when this was decided.
    Stale,
    /// More than there is to give back.
    OverBalance,
}

impl Store {
    /// Stores the approval of an authentication, or finds it.
    pub(crate) async fn begin_approval(&self, order: &str, act: Act) -> Result<Begun, Error> {
        let id = order.to_owned();
        self.run(move |connection| {
            let intents = intents_of(connection, &id)?;
            if let Some(same) = intents.iter().find(|intent| intent.act == act) {
                return Ok(Begun::Intent(same.clone()));
            }
            let number = next_number(&intents);
            begin(connection, &id, &intents, (number, act))
        })
        .await
    }

    /// Stores what a form asked for. The form carries the number it was shown with, so that
    /// sending it again finds the same intent, and one shown before something else happened is
    /// not taken.
    pub(crate) async fn begin_numbered(
        &self,
        order: &str,
        number: i64,
        act: Act,
    ) -> Result<Begun, Error> {
        let id = order.to_owned();
        self.run(move |connection| {
            let intents = intents_of(connection, &id)?;
            if let Some(earlier) = intents.iter().find(|intent| intent.number == number) {
                let same = earlier.act == act;
                let found = if same {
                    Begun::Intent(earlier.clone())
                } else {
                    Begun::Stale
                };
                return Ok(found);
            }
            if number != next_number(&intents) {
                return Ok(Begun::Stale);
            }
            begin(connection, &id, &intents, (number, act))
        })
        .await
    }

    /// All intents of an order, oldest first.
    pub(crate) async fn intents(&self, order: &str) -> Result<Vec<Intent>, Error> {
        let id = order.to_owned();
        self.run(move |connection| intents_of(connection, &id))
            .await
    }

    /// Ends an open intent, together with what the answer told about the order.
    pub(crate) async fn end(
        &self,
        intent: &Intent,
        (state, code): (State, Option<String>),
        order: &Order,
    ) -> Result<(), Error> {
        let (intent, order) = (intent.clone(), order.clone());
        let ended = self.run(move |connection| {
            // A repeat that was answered too finds it ended: the answers are the same.
            connection.execute(
                "UPDATE intents SET state = ?3, code = ?4
                 WHERE order_id = ?1 AND number = ?2 AND state = 'OPEN'",
                params![intent.order, intent.number, state.as_str(), code],
            )?;
            keep(connection, &order)
        });
        let is_news = ended.await?;
        self.changed(is_news);
        Ok(())
    }
}

/// The number after the last one.
pub(crate) fn next_number(intents: &[Intent]) -> i64 {
    intents
        .last()
        .map_or(1, |intent| intent.number.saturating_add(1))
}

fn begin(
    connection: &Connection,
    id: &str,
    intents: &[Intent],
    (number, act): (i64, Act),
) -> Result<Begun, Error> {
    if intents.iter().any(|intent| intent.state == State::Open) {
        return Ok(Begun::Busy);
    }
    let Some(order) = order_of(connection, id)? else {
        return Ok(Begun::Stale);
    };
    let awaited = match act {
        Act::Approve { .. } | Act::IssueAccount { .. } | Act::Withdraw => Status::Pending,
        Act::Refund { .. } => Status::Confirmed,
    };
    if order.status != awaited || !is_of_its_way(&act, &order) {
        return Ok(Begun::Stale);
    }
    if let Act::Refund { amount } = act
        && !(1..=order.refundable()).contains(&amount)
    {
        return Ok(Begun::OverBalance);
    }
    let intent = Intent {
        order: id.to_owned(),
        number,
        act,
        state: State::Open,
        code: None,
    };
    insert(connection, &intent)?;
    Ok(Begun::Intent(intent))
}

/// An order is paid in the way that was chosen, and has one account at most.
fn is_of_its_way(act: &Act, order: &Order) -> bool {
    let payment = order.payment.as_ref().map(|payment| payment.status);
    match act {
        Act::Approve { .. } => order.way == Way::Window,
        Act::IssueAccount { .. } => {
            order.way == Way::Account && payment != Some(PaymentStatus::WaitingForDeposit)
        }
        Act::Refund { .. } | Act::Withdraw => true,
    }
}

fn insert(connection: &Connection, intent: &Intent) -> Result<(), Error> {
    let (act, payment_key, gateway_order, amount) = match &intent.act {
        Act::Approve {
            payment_key,
            gateway_order,
        } => ("APPROVE", Some(payment_key), Some(gateway_order), None),
        Act::IssueAccount { .. } => ("ISSUE_ACCOUNT", None, None, None),
        Act::Refund { amount } => ("REFUND", None, None, Some(*amount)),
        Act::Withdraw => ("WITHDRAW", None, None, None),
    };
    let (bank, holder) = match &intent.act {
        Act::IssueAccount { bank, holder } => (Some(bank), Some(holder)),
        Act::Approve { .. } | Act::Refund { .. } | Act::Withdraw => (None, None),
    };
    connection.execute(
        "INSERT INTO intents
             (order_id, number, act, payment_key, gateway_order, amount, state, bank, holder)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        params![
            intent.order,
            intent.number,
            act,
            payment_key,
            gateway_order,
            amount,
            intent.state.as_str(),
            bank,
            holder,
        ],
    )?;
    Ok(())
}

fn intents_of(connection: &Connection, order: &str) -> Result<Vec<Intent>, Error> {
    let select = format!("{SELECT} WHERE order_id = ?1 ORDER BY number");
    let mut statement = connection.prepare_cached(&select)?;
    let rows = statement.query_map([order], Stored::read)?;
    rows.map(|row| row?.intent()).collect()
}

/// A row as it is stored.
struct Stored {
    order: String,
    number: i64,
    act: String,
    payment_key: Option<String>,
    gateway_order: Option<String>,
    amount: Option<i64>,
    state: String,
    code: Option<String>,
    bank: Option<String>,
    holder: Option<String>,
}

impl Stored {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            order: row.get(0)?,
            number: row.get(1)?,
            act: row.get(2)?,
            payment_key: row.get(3)?,
            gateway_order: row.get(4)?,
            amount: row.get(5)?,
            state: row.get(6)?,
            code: row.get(7)?,
            bank: row.get(8)?,
            holder: row.get(9)?,
        })
    }

    fn intent(self) -> Result<Intent, Error> {
        let unreadable = |column, text: &str| Error::Unreadable {
            column,
            text: text.to_owned(),
        };
        let act = match (
            self.act.as_str(),
            self.payment_key,
            self.gateway_order,
            self.amount,
            self.bank.zip(self.holder),
        ) {
            ("APPROVE", Some(payment_key), Some(gateway_order), None, None) => Act::Approve {
                payment_key,
                gateway_order,
            },
            ("ISSUE_ACCOUNT", None, None, None, Some((bank, holder))) => {
                Act::IssueAccount { bank, holder }
            }
            ("REFUND", None, None, Some(amount), None) => Act::Refund { amount },
            ("WITHDRAW", None, None, None, None) => Act::Withdraw,
            (act, ..) => return Err(unreadable("act", act)),
        };
        let state = State::of_word(&self.state).ok_or_else(|| unreadable("state", &self.state))?;
        Ok(Intent {
            order: self.order,
            number: self.number,
            act,
            state,
            code: self.code,
        })
    }
}
