//! Owns the rows of carts: what a visitor is about to order.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Error, Store};

/// What a cart holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cart {
    /// The product's name in the catalogue.
    pub(crate) product: String,
    /// How many of it.
    pub(crate) quantity: i64,
}

impl Store {
    /// A visitor's cart; none when it is empty.
    pub(crate) async fn cart(&self, owner: &str) -> Result<Option<Cart>, Error> {
        let owner = owner.to_owned();
        self.run(move |connection| cart_of(connection, &owner))
            .await
    }

    /// Replaces what is in a visitor's cart.
    pub(crate) async fn fill_cart(&self, owner: &str, cart: Option<Cart>) -> Result<(), Error> {
        let owner = owner.to_owned();
        self.run(move |connection| {
            match cart {
                Some(cart) => connection.execute(
                    "INSERT INTO carts (owner, product, quantity) VALUES (?1, ?2, ?3)
                     ON CONFLICT (owner) DO UPDATE SET product = ?2, quantity = ?3",
                    params![owner, cart.product, cart.quantity],
                )?,
                None => empty(connection, &owner)?,
            };
            Ok(())
        })
        .await
    }
}

pub(super) fn cart_of(connection: &Connection, owner: &str) -> Result<Option<Cart>, Error> {
    let select = "SELECT product, quantity FROM carts WHERE owner = ?1";
    let found = connection.query_row(select, [owner], |row| {
        Ok(Cart {
            product: row.get(0)?,
            quantity: row.get(1)?,
        })
    });
    Ok(found.optional()?)
}

pub(super) fn empty(connection: &Connection, owner: &str) -> Result<usize, Error> {
    Ok(connection.execute("DELETE FROM carts WHERE owner = ?1", [owner])?)
}
