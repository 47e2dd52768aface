//! Owns the Transaction object: one row of the ledger as `GET /v1/transactions` shows it.

use serde::Serialize;

use super::parts::receipt_url;
use crate::clock::api_date;
use crate::config::{CancelSign, Config};
use crate::state::fact::{Entry, Movement};
use crate::state::payment::{Method, Payment, Status};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    m_id: &'a str,
    transaction_key: &'a str,
    payment_key: &'a str,
    order_id: &'a str,
    method: Option<&'static str>,
    customer_key: Option<&'a str>,
    use_escrow: bool,
    receipt_url: String,
    status: Status,
    transaction_at: String,
    currency: &'static str,
    amount: i64,
}

/// A ledger entry with the payment it belongs to.
pub(crate) type Row<'a> = (&'a Entry, &'a Payment);

/// The rows as a JSON array.
pub(crate) fn render<'a>(rows: impl Iterator<Item = Row<'a>>, config: &Config) -> String {
    let objects: Vec<Object> = rows.map(|row| object(row, config)).collect();
    serde_json::to_string(&objects).expect("transactions serialise")
}

fn object<'a>((entry, payment): Row<'a>, config: &'a Config) -> Object<'a> {
    let sign = config.settings.cancel_sign;
    Object {
        m_id: &config.merchant_id,
        transaction_key: &entry.transaction_key,
        payment_key: &entry.payment_key,
        order_id: &entry.order_id,
        method: payment.method.map(Method::korean),
        customer_key: payment.customer_key.as_deref(),
        use_escrow: false,
        receipt_url: receipt_url(&entry.payment_key),
        status: status_after(entry, payment),
        transaction_at: api_date(entry.at),
        currency: "KRW",
        amount: match (entry.kind, sign) {
            (Movement::Cancel | Movement::Reversal, CancelSign::Negative) => {
                entry.amount.saturating_neg()
            }
            (Movement::Cancel | Movement::Reversal, CancelSign::Positive)
            | (Movement::Capture | Movement::Issue | Movement::Close, _) => entry.amount,
        },
    }
}

/// The payment's status as this movement left it, whatever followed.
fn status_after(entry: &Entry, payment: &Payment) -> Status {
    let whole = entry.amount == payment.total;
    match entry.kind {
        Movement::Capture => Status::Done,
        Movement::Issue | Movement::Reversal => Status::WaitingForDeposit,
        Movement::Close => Status::Canceled,
        Movement::Cancel if whole => Status::Canceled,
        Movement::Cancel => Status::PartialCanceled,
    }
}
