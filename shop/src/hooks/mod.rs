//! Owns what Payflow tells the shop by itself: webhooks, verified, each once.

mod registration;
mod rotated;
mod verify;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use self::registration::Hook;
pub(crate) use self::rotated::Rotated;
pub(crate) use self::verify::{Headers, Refused, verify};

use crate::payflow::{Payment, PaymentStatus};

/// A message that is Payflow's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Its name: the same each time that it comes.
    pub(crate) id: String,
    /// What it tells of a payment; none where it is about something else, which is no matter of a
    /// shop's. It is taken all the same: what is refused comes again, for days.
    pub(crate) told: Option<Told>,
}

/// What became of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Which payment.
    pub(crate) payment: String,
    /// The shop's order.
    pub(crate) order: String,
    /// How many things had happened to the payment by then.
    pub(crate) sequence: i64,
    /// Where it was then.
    pub(crate) status: PaymentStatus,
    /// Whether a bank took back what had been paid in.
    pub(crate) is_taken_back: bool,
    /// What is to be paid, in won.
    pub(crate) amount: i64,
    /// Given back by then, in won; none where nothing had been paid.
    pub(crate) refunded: Option<i64>,
}

impl Told {
    /// The payment as it was then; what a message does not tell stays as it is known.
    pub(crate) fn payment(self, known: Option<&Payment>) -> Payment {
        let refunded = known.map_or(0, |known| known.canceled_amount);
        let (status, canceled_amount) = (self.status, self.refunded.unwrap_or(refunded));
        match known.cloned() {
            Some(known) => Payment {
                id: self.payment,
                order_id: self.order,
                sequence: self.sequence,
                amount: self.amount,
                status,
                canceled_amount,
                ..known
            },
            None => Payment {
                id: self.payment,
                order_id: self.order,
                sequence: self.sequence,
                amount: self.amount,
                status,
                canceled_amount,
                cancels: Vec::new(),
                gateway_order_id: None,
                method: None,
                receipt_url: None,
                decline: None,
                virtual_account: None,
                approved_at: None,
            },
        }
    }
}

#[derive(Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: String,
    data: Value,
}

/// What every message says.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Named {
    event_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    payment_id: String,
    sequence: i64,
    to: PaymentStatus,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    order_id: String,
    amount: i64,
    balance: i64,
    currency: String,
}

impl Message {
    /// What the body of a message says that was verified.
    fn read(id: &str, body: &[u8]) -> Result<Self, Refused> {
        let Body { kind, data } = serde_json::from_slice(body).map_err(|_| Refused::Body)?;
        let Named { event_id } = Named::deserialize(&data).map_err(|_| Refused::Body)?;
        // Both are signed; who mixes them up is not Payflow.
        if event_id != id {
            return Err(Refused::Body);
        }
        let is_of_payment = kind.starts_with("payment.");
        let told = is_of_payment.then(|| Told::read(&kind, data)).transpose()?;
        let id = id.to_owned();
        Ok(Self { id, told })
    }
}

impl Told {
    fn read(kind: &str, data: Value) -> Result<Self, Refused> {
        let data: Data = serde_json::from_value(data).map_err(|_| Refused::Body)?;
        let payload = data.payload;
        if payload.currency != "KRW" || data.sequence < 1 {
            return Err(Refused::Body);
        }
        let is_paid = match data.to {
            PaymentStatus::Done
            | PaymentStatus::CancelRequested
            | PaymentStatus::PartialCanceled => true,
            // Withdrawn before anybody paid, or given back.
            PaymentStatus::Canceled => kind == "payment.canceled",
            PaymentStatus::Ready
            | PaymentStatus::InProgress
            | PaymentStatus::WaitingForDeposit
            | PaymentStatus::Aborted
            | PaymentStatus::Expired
            | PaymentStatus::Unknown => false,
        };
        let refunded = payload.amount.checked_sub(payload.balance);
        Ok(Self {
            payment: data.payment_id,
            order: payload.order_id,
            sequence: data.sequence,
            status: data.to,
            is_taken_back: kind == "payment.deposit_reversed",
            amount: payload.amount,
            refunded: refunded.filter(|_| is_paid),
        })
    }
}
