//! Owns what the shop does: placing an order here; paying, giving back and settling beside.

mod paying;
mod refunds;
mod settling;

pub(crate) use self::paying::{Authentication, Taken};
pub(crate) use self::settling::{News, Seen};

use crate::catalogue::Product;
use crate::clock::now;
use crate::intent::Act;
use crate::language::Language;
use crate::order::{Order, Status, Way};
use crate::payflow::{self, Client};
use crate::store::{self, Store};
use crate::{catalogue, random};

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// There is no such order of this visitor.
    #[error("no such order")]
    NotFound,
    /// The order cannot be paid now.
    #[error("the order cannot be paid")]
    NotPayable,
    /// Payflow cannot be used.
    #[error(transparent)]
    Payflow(#[from] payflow::Error),
    /// The shop's own database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The number of an order's first intent.
const FIRST: i64 = 1;

/// How somebody wants to pay.
#[derive(Debug)]
pub(crate) enum Chosen {
    /// In the gateway's window, on the order's page.
    Window,
    /// By a transfer to an account.
    Account {
        /// The code of the bank.
        bank: String,
        /// In whose name.
        holder: String,
    },
}

/// A running shop.
#[derive(Debug)]
pub(crate) struct Shop {
    /// Its database.
    pub(crate) store: Store,
    /// Who takes its payments.
    pub(crate) payflow: Client,
}

impl Shop {
    /// Orders what is in a visitor's cart at the catalogue's price; none when it is empty. What is
    /// paid in to an account has one issued at once.
    pub(crate) async fn place(
        &self,
        owner: &str,
        language: Language,
        way: Chosen,
    ) -> Result<Option<Order>, Error> {
        let Some(cart) = self.store.cart(owner).await? else {
            return Ok(None);
        };
        let Some(product) = catalogue::product(&cart.product) else {
            // Sold when it was put there, no longer now.
            self.store.fill_cart(owner, None).await?;
            return Ok(None);
        };
        let Some(amount) = product.price.checked_mul(cart.quantity) else {
            return Ok(None);
        };
        let created_at = now();
        let order = Order {
            id: random::order_number(created_at),
            owner: owner.to_owned(),
            product: product.slug.to_owned(),
            name: order_name(product, cart.quantity, language),
            quantity: cart.quantity,
            amount,
            way: match &way {
                Chosen::Window => Way::Window,
                Chosen::Account { .. } => Way::Account,
            },
            status: Status::Pending,
            reversals: 0,
            revision: 0,
            payment: None,
            created_at,
        };
        let placed = self.store.place(order).await?;
        if let (Some(order), Chosen::Account { bank, holder }) = (&placed, way) {
            let act = Act::IssueAccount { bank, holder };
            self.ask(order.clone(), FIRST, act).await?;
        }
        Ok(placed)
    }

    /// An order of this visitor.
    pub(crate) async fn order_of(&self, owner: &str, id: &str) -> Result<Order, Error> {
        let found = self.store.order(id).await?;
        found
            .filter(|order| order.owner == owner)
            .ok_or(Error::NotFound)
    }
}

/// What the payment window shows.
fn order_name(product: &Product, quantity: i64, language: Language) -> String {
    let name = product.name.of(language);
    match (quantity, language) {
        (1, _) => name.to_owned(),
        (_, Language::Korean) => format!("{name} {quantity}개"),
        (_, Language::English) => format!("{name} × {quantity}"),
    }
}
