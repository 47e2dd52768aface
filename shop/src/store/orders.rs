//! Owns the rows of orders.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::carts::{Cart, cart_of, empty};
use super::{Error, Store};
use crate::order::{Order, Status, Way};

const SELECT: &str = "SELECT id, owner, product, name, quantity, amount, status, payment,
    created_micros, way, reversals, revision FROM orders";
/// How many orders a visitor is shown.
const LISTED_MAX: i64 = 50;

impl Store {
    /// Orders what is in the cart, which is empty afterwards: ordering twice orders once. None
    /// when the cart is not the one that was looked at.
    pub(crate) async fn place(&self, order: Order) -> Result<Option<Order>, Error> {
        self.run(move |connection| {
            let wanted = Cart {
                product: order.product.clone(),
                quantity: order.quantity,
            };
            if cart_of(connection, &order.owner)? != Some(wanted) {
                return Ok(None);
            }
            empty(connection, &order.owner)?;
            connection.execute(
                "INSERT INTO orders (id, owner, product, name, quantity, amount, status,
                     status_rank, created_micros, way)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    order.id,
                    order.owner,
                    order.product,
                    order.name,
                    order.quantity,
                    order.amount,
                    order.status.as_str(),
                    order.status.rank(),
                    order.created_at.timestamp_micros(),
                    order.way.as_str(),
                ],
            )?;
            Ok(Some(order))
        })
        .await
    }

    /// An order, whosever it is.
    pub(crate) async fn order(&self, id: &str) -> Result<Option<Order>, Error> {
        let id = id.to_owned();
        self.run(move |connection| order_of(connection, &id)).await
    }

    /// A visitor's orders, newest first.
    pub(crate) async fn orders(&self, owner: &str) -> Result<Vec<Order>, Error> {
        let owner = owner.to_owned();
        self.run(move |connection| {
            let select =
                format!("{SELECT} WHERE owner = ?1 ORDER BY created_micros DESC, id DESC LIMIT ?2");
            let mut statement = connection.prepare_cached(&select)?;
            let rows = statement.query_map(params![owner, LISTED_MAX], Stored::read)?;
            rows.map(|row| row?.order()).collect()
        })
        .await
    }

    /// The orders that something is under way for, at most so many: any of them, so that those
    /// which are stuck keep no other waiting for ever.
    pub(crate) async fn unsettled(&self, rows_max: i64) -> Result<Vec<String>, Error> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM (
                     SELECT id FROM orders WHERE is_moving = 1
                     UNION SELECT order_id FROM intents WHERE state = 'OPEN'
                 ) ORDER BY random() LIMIT ?1",
            )?;
            let rows = statement.query_map([rows_max], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// The orders that wait for their buyer and whose payment may expire, at most so many: any of
    /// them, for the same reason.
    pub(crate) async fn waiting(&self, rows_max: i64) -> Result<Vec<String>, Error> {
        self.run(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM orders WHERE status_rank = 0 AND payment IS NOT NULL
                 ORDER BY random() LIMIT ?1",
            )?;
            let rows = statement.query_map([rows_max], |row| row.get(0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Keeps what Payflow told about an order's payment, unless more is known already; the order
    /// as it is known now.
    pub(crate) async fn keep(&self, order: &Order) -> Result<Order, Error> {
        let order = order.clone();
        let kept = self.run(move |connection| {
            let is_news = keep(connection, &order)?;
            let kept = order_of(connection, &order.id)?.unwrap_or(order);
            Ok((is_news, kept))
        });
        let (is_news, kept) = kept.await?;
        self.changed(is_news);
        Ok(kept)
    }
}

pub(super) fn order_of(connection: &Connection, id: &str) -> Result<Option<Order>, Error> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
    let found = statement.query_row([id], Stored::read).optional()?;
    found.map(Stored::order).transpose()
}

/// Two answers may have been read before either was kept, so the row decides again. What was paid
/// in can be taken back, so of an order that waits for a deposit only an answer to what the row
/// says still is kept, and none that is older than what was told; by card an order only goes on.
///
/// Whether the row has changed.
pub(super) fn keep(connection: &Connection, order: &Order) -> Result<bool, Error> {
    let payment = order
        .payment
        .as_ref()
        .map(|payment| serde_json::to_string(payment).expect("strings and numbers are JSON"));
    let rows = connection.execute(
        "UPDATE orders SET status = ?2, status_rank = ?3, payment = ?4, refunded = ?5,
             is_moving = ?6, reversals = ?7, revision = revision + 1, told = max(told, ?9)
         WHERE id = ?1 AND (payment IS NOT ?4 OR status <> ?2)
             AND CASE way WHEN 'ACCOUNT' THEN revision = ?8 AND told <= ?9
                 ELSE status_rank <= ?3 AND refunded <= ?5 END",
        params![
            order.id,
            order.status.as_str(),
            order.status.rank(),
            payment,
            order.refunded(),
            order.is_moving(),
            order.reversals,
            order.revision,
            order.payment.as_ref().map_or(0, |payment| payment.sequence),
        ],
    )?;
    Ok(rows > 0)
}

/// A row as it is stored.
struct Stored {
    order: Order,
    status: String,
    payment: Option<String>,
    created_micros: i64,
    way: String,
}

impl Stored {
    fn read(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            order: Order {
                id: row.get(0)?,
                owner: row.get(1)?,
                product: row.get(2)?,
                name: row.get(3)?,
                quantity: row.get(4)?,
                amount: row.get(5)?,
                way: Way::Window,
                status: Status::Pending,
                reversals: row.get(10)?,
                revision: row.get(11)?,
                payment: None,
                created_at: chrono::DateTime::UNIX_EPOCH,
            },
            status: row.get(6)?,
            payment: row.get(7)?,
            created_micros: row.get(8)?,
            way: row.get(9)?,
        })
    }

    fn order(self) -> Result<Order, Error> {
        let unreadable = |column, text: &str| Error::Unreadable {
            column,
            text: text.to_owned(),
        };
        let status =
            Status::of_word(&self.status).ok_or_else(|| unreadable("status", &self.status))?;
        let way = Way::of_word(&self.way).ok_or_else(|| unreadable("way", &self.way))?;
        let payment = match &self.payment {
            None => None,
            Some(text) => {
                let read = serde_json::from_str(text);
                Some(read.map_err(|_| unreadable("payment", text))?)
            }
        };
        let created_at = chrono::DateTime::from_timestamp_micros(self.created_micros)
            .ok_or_else(|| unreadable("created_micros", &self.created_micros.to_string()))?;
        Ok(Order {
            way,
            status,
            payment,
            created_at,
            ..self.order
        })
    }
}
