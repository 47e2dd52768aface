//! Owns the Settlement object: what of a movement is paid out, when, and less which fees.

use chrono::NaiveDate;
use serde::Serialize;

use super::parts::{
    CancelObject, Card, EasyPay, GiftCertificate, MobilePhone, Transfer, VirtualAccount, cancel,
    card, easy_pay, gift_certificate, mobile_phone, transfer, virtual_account,
};
use super::transaction::Row;
use crate::clock::{api_date, korean};
use crate::config::{Config, Settings};
use crate::state::fact::Movement;
use crate::state::payment::Method;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    m_id: &'a str,
    payment_key: &'a str,
    transaction_key: &'a str,
    order_id: &'a str,
    currency: &'static str,
    method: Option<&'static str>,
    fees: [Fee; 2],
    approved_at: Option<String>,
    sold_date: String,
    paid_out_date: String,
    card: Option<Card<'a>>,
    virtual_account: Option<VirtualAccount<'a>>,
    transfer: Option<Transfer>,
    mobile_phone: Option<MobilePhone>,
    gift_certificate: Option<GiftCertificate>,
    easy_pay: Option<EasyPay>,
    cancel: Option<CancelObject<'a>>,
    amount: i64,
    interest_fee: i64,
    fee: i64,
    supply_amount: i64,
    vat: i64,
    pay_out_amount: i64,
}

#[derive(Serialize)]
struct Fee {
    #[serde(rename = "type")]
    kind: &'static str,
    fee: i64,
}

/// The fee of an amount: the supply and the value added tax on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cost {
    supply: i64,
    vat: i64,
}

/// The rows as a JSON array.
pub(crate) fn render<'a>(rows: impl Iterator<Item = Row<'a>>, config: &Config) -> String {
    let objects: Vec<Object> = rows.map(|row| object(row, config)).collect();
    serde_json::to_string(&objects).expect("settlements serialise")
}

/// When a movement of that Korean day counts as sold, and when it is paid out.
pub(crate) fn dates(day: NaiveDate, settings: &Settings) -> (NaiveDate, NaiveDate) {
    let later = |day: NaiveDate, delay| day.checked_add_signed(delay).unwrap_or(NaiveDate::MAX);
    let sold = later(day, settings.sold_after);
    (sold, later(sold, settings.paid_out_after))
}

fn object<'a>((entry, payment): Row<'a>, config: &'a Config) -> Object<'a> {
    let settings = &config.settings;
    let (sold, paid_out) = dates(korean(entry.at).date_naive(), settings);
    let undone = match entry.kind {
        Movement::Capture | Movement::Issue | Movement::Reversal | Movement::Close => None,
        Movement::Cancel => payment.canceled_by(&entry.transaction_key),
    };
    let per_mille = settings.fee_per_mille;
    let (amount, cost) = match undone {
        None if entry.kind == Movement::Reversal => {
            let cost = Cost::of(0, per_mille).less(Cost::of(entry.amount, per_mille));
            (entry.amount.saturating_neg(), cost)
        }
        None => (entry.amount, Cost::of(entry.amount, per_mille)),
        // The fee of what is left, less the fee of what there was: parts add up to the whole.
        Some(cancel) => {
            let before = cancel.refundable.saturating_add(cancel.amount);
            let cost = Cost::of(cancel.refundable, per_mille).less(Cost::of(before, per_mille));
            (cancel.amount.saturating_neg(), cost)
        }
    };
    let method = payment.method;
    let key = entry.payment_key.as_str();
    Object {
        m_id: &config.merchant_id,
        payment_key: key,
        transaction_key: &entry.transaction_key,
        order_id: &entry.order_id,
        currency: "KRW",
        method: method.map(Method::korean),
        fees: [
            Fee {
                kind: "BASE",
                fee: cost.total(),
            },
            Fee {
                kind: "ETC",
                fee: 0,
            },
        ],
        approved_at: payment.approved_at.map(api_date),
        sold_date: sold.to_string(),
        paid_out_date: paid_out.to_string(),
        card: method.and_then(|method| card(method, payment, "COMPLETED")),
        virtual_account: virtual_account(payment, "COMPLETED"),
        transfer: method.and_then(|method| transfer(method, "COMPLETED")),
        mobile_phone: method.and_then(|method| mobile_phone(method, key, "COMPLETED")),
        gift_certificate: method.and_then(|method| gift_certificate(method, "COMPLETED")),
        easy_pay: method.and_then(|method| easy_pay(method, payment)),
        cancel: undone.map(|made| cancel(made, &config.settings)),
        amount,
        interest_fee: 0,
        fee: cost.total(),
        supply_amount: cost.supply,
        vat: cost.vat,
        pay_out_amount: amount.saturating_sub(cost.total()),
    }
}

impl Cost {
    fn of(amount: i64, per_mille: i64) -> Self {
        let supply = amount.saturating_mul(per_mille).div_euclid(1000);
        Self {
            supply,
            vat: supply.div_euclid(10),
        }
    }

    fn less(self, other: Self) -> Self {
        Self {
            supply: self.supply.saturating_sub(other.supply),
            vat: self.vat.saturating_sub(other.vat),
        }
    }

    fn total(self) -> i64 {
        self.supply.saturating_add(self.vat)
    }
}
