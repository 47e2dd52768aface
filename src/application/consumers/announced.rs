//! Owns preparing payments of orders that others announce. The message is an idempotency key: it is
//! committed together with the payment, so an order that comes again has its payment already.

use async_trait::async_trait;
use domain::event::Hash;
use domain::idempotency::Fingerprint;
use domain::money::{Currency, Money};
use domain::payment::{Customer, Kind};
use domain::principal::{Actor, Scope};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::opened::{Opened, object};
use super::{Consumer, Handled};
use crate::idempotency::{KeyError, Keyed};
use crate::payments::{Prepare, PrepareError};
use crate::ports::bus::{Received, Topic};
use crate::trace::{self, Open, Side};
use crate::{App, Caller, Evidence};

/// Prepares the payments of one merchant's orders.
pub struct Announced {
    /// Whose orders they are.
    pub scope: Scope,
    /// The largest amount of one payment, in minor units.
    pub amount_minor_max: i64,
}

/// An order, in the words of `POST /api/v1/payments`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    order_id: String,
    order_name: String,
    amount: i64,
    #[serde(default)]
    currency: Option<String>,
    #[serde(default)]
    tax_free_amount: Option<i64>,
    #[serde(default, deserialize_with = "object")]
    customer: Person,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Person {
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    member_id: Option<String>,
}

impl Announced {
    fn command(&self, order: &Data) -> Result<Prepare, &'static str> {
        if !(1..=self.amount_minor_max).contains(&order.amount) {
            return Err("amount: outside of what a payment may be");
        }
        let currency = order.currency.as_deref().unwrap_or(Currency::Krw.code());
        let currency: Currency = currency.parse().map_err(|_| "currency: unknown")?;
        let money = |minor| Money::new(minor, currency);
        let tax_free = order.tax_free_amount.map(money).transpose();
        let (name, member) = (&order.customer.name, &order.customer.member_id);
        let name = name.as_deref().map(str::parse).transpose();
        let member = member.as_deref().map(str::parse).transpose();
        Ok(Prepare {
            kind: Kind::OneOff,
            method: None,
            order_id: order.order_id.parse().map_err(|_| "orderId: malformed")?,
            order_name: order
                .order_name
                .parse()
                .map_err(|_| "orderName: malformed")?,
            amount: money(order.amount).map_err(|_| "amount: outside of what is possible")?,
            tax_free: tax_free.map_err(|_| "taxFreeAmount: outside of what is possible")?,
            customer: Customer {
                name: name.map_err(|_| "customer.name: malformed")?,
                member: member.map_err(|_| "customer.memberId: malformed")?,
            },
            lifetime: None,
        })
    }

    /// The order has a payment that this message did not make: right, if it is the same.
    async fn compared(&self, app: &App, command: &Prepare) -> Handled {
        let known = app
            .parts
            .store
            .payment_of_order(self.scope, &command.order_id);
        match known.await {
            Ok(Some(known)) if known.facts.amount == command.amount => Handled::Done,
            Ok(Some(_)) => Handled::Never("the order has a payment of another amount".to_owned()),
            Ok(None) => Handled::Again("the order's payment is not to be seen".to_owned()),
            Err(error) => error.into(),
        }
    }
}

/// What the message is remembered by; whoever publishes it chose source and id.
fn key_of(opened: &Opened<Data>) -> String {
    let mut hasher = Sha256::new();
    hasher.update(opened.source.as_bytes());
    hasher.update([0]);
    hasher.update(opened.id.as_bytes());
    format!("{}:{}", Topic::OrderCreated, Hash(hasher.finalize().into()))
}

#[async_trait]
impl Consumer for Announced {
    fn topic(&self) -> Topic {
        Topic::OrderCreated
    }

    async fn handle(&self, app: &App, received: &Received) -> Handled {
        let opened = match Opened::<Data>::of(received) {
            Ok(opened) => opened,
            Err(why) => return Handled::Never(why),
        };
        let command = match self.command(&opened.data) {
            Ok(command) => command,
            Err(why) => return Handled::Never(why.to_owned()),
        };
        let Ok(key) = key_of(&opened).parse() else {
            return Handled::Never("its key is none".to_owned());
        };
        let keyed = Keyed {
            key,
            fingerprint: Fingerprint(Sha256::digest(&received.payload).into()),
        };
        let mut open = Open::under(opened.trace(app), "order.created", Side::Told).from_outside();
        open.word("messaging.destination.name", self.topic().as_str());
        let trace = open.trace();
        let caller = Caller {
            scope: self.scope,
            actor: Actor::Merchant,
            member: None,
            key: None,
            issuer: None,
            evidence: Evidence::default(),
            trace,
        };
        let preparing = app.prepare(&caller, &command, Some(&keyed));
        match trace::within(trace, preparing).await {
            Ok(_) => Handled::Done,
            Err(PrepareError::OrderTaken { .. }) => self.compared(app, &command).await,
            Err(PrepareError::Store(error) | PrepareError::Key(KeyError::Store(error))) => {
                error.into()
            }
            Err(
                error @ (PrepareError::Contended | PrepareError::Key(KeyError::Running { .. })),
            ) => Handled::Again(error.to_string()),
            Err(
                error @ (PrepareError::TaxFreeOverAmount
                | PrepareError::CurrencyDisabled
                | PrepareError::ZeroAmount
                | PrepareError::NoGateway
                | PrepareError::AccountDisabled
                | PrepareError::NotTaken
                | PrepareError::NotFound
                | PrepareError::Refused(_)
                | PrepareError::Key(
                    KeyError::Reused | KeyError::NotIssued | KeyError::Unreadable(_),
                )),
            ) => Handled::Never(error.to_string()),
        }
    }
}
