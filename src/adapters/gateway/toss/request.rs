//! Owns the bodies we send (`toss-api.md §6.1, §6.3, §11`).

use application::ports::gateway::{Instrument, IssueCall, RefundAccount};
use domain::saga::{CancelCall, ChargeCall, ConfirmCall};
use serde::Serialize;
use serde_json::value::RawValue;

use super::amount;

/// The longest reason that the gateway takes.
const REASON_CHARS_MAX: usize = 200;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Capture<'a> {
    payment_key: &'a str,
    order_id: String,
    amount: Box<RawValue>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct GiveBack<'a> {
    cancel_reason: &'a str,
    cancel_amount: Box<RawValue>,
    /// Only for who sells without VAT; zero where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_free_amount: Option<Box<RawValue>>,
    /// Must equal what was approved; the gateway compares.
    currency: &'static str,
    /// The optimistic lock: the gateway does nothing when its balance differs.
    refundable_amount: Box<RawValue>,
    /// Only of a deposit.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund_receive_account: Option<To<'a>>,
}

/// It is `bank` here, and `bankCode` in what the gateway shows.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct To<'a> {
    bank: &'a str,
    account_number: &'a str,
    holder_name: &'a str,
}

pub(super) fn confirm(call: &ConfirmCall) -> Vec<u8> {
    json(&Capture {
        payment_key: call.payment_key.as_str(),
        order_id: call.order.to_string(),
        amount: amount::print(call.amount),
    })
}

pub(super) fn cancel(call: &CancelCall, to: Option<&RefundAccount>) -> Vec<u8> {
    json(&GiveBack {
        cancel_reason: tail(&call.reason),
        cancel_amount: amount::print(call.amount),
        tax_free_amount: call.tax_free.map(amount::print),
        currency: call.amount.currency().code(),
        refundable_amount: amount::print(call.refundable),
        refund_receive_account: to.map(|to| To {
            bank: to.bank.as_str(),
            account_number: to.number.expose(),
            holder_name: to.holder.expose(),
        }),
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ChargeBody<'a> {
    amount: Box<RawValue>,
    customer_key: &'a str,
    order_id: String,
    order_name: &'a str,
    /// Only for who sells without VAT; zero where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_free_amount: Option<Box<RawValue>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct IssueBody<'a> {
    auth_key: &'a str,
    customer_key: &'a str,
}

pub(super) fn charge(call: &ChargeCall, with: &Instrument) -> Vec<u8> {
    json(&ChargeBody {
        amount: amount::print(call.amount),
        customer_key: with.customer_key.as_str(),
        order_id: call.order.to_string(),
        order_name: with.order_name.as_str(),
        tax_free_amount: call.tax_free.map(amount::print),
    })
}

pub(super) fn issue(call: &IssueCall) -> Vec<u8> {
    json(&IssueBody {
        auth_key: call.auth_key.expose(),
        customer_key: call.customer_key.as_str(),
    })
}

/// The end of a reason that is too long: the saga id stands there, and it is what we find again.
fn tail(reason: &str) -> &str {
    let surplus = reason.chars().count().saturating_sub(REASON_CHARS_MAX);
    reason
        .char_indices()
        .nth(surplus)
        .map_or("", |(start, _)| &reason[start..])
}

pub(super) fn json(body: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(body).expect("texts and numbers always serialise")
}

#[cfg(test)]
mod tests {
    use domain::id::{GatewayOrderId, RawId};
    use domain::money::{Currency, Money};

    use super::*;
    use application::ports::vault::Secret;

    const EXAMPLE: &str =
        include_str!("../../../../tests/toss-examples/req-cancel-va-deposited.json");

    fn money(minor: i64, currency: Currency) -> Money {
        Money::new(minor, currency).unwrap()
    }

    fn read(body: &[u8]) -> serde_json::Value {
        serde_json::from_slice(body).unwrap()
    }

    #[test]
    fn confirm_names_payment_order_and_amount() {
        let order = GatewayOrderId::new(RawId::from_parts(1, 2));
        let body = confirm(&ConfirmCall {
            key: "sag-1".parse().unwrap(),
            payment_key: "tsims20260315103012kQ7Xa".parse().unwrap(),
            order,
            amount: money(33_000, Currency::Krw),
        });
        let expected = serde_json::json!({
            "paymentKey": "tsims20260315103012kQ7Xa",
            "orderId": order.to_string(),
            "amount": 33_000,
        });
        assert_eq!(read(&body), expected);
    }

    #[test]
    fn cancel_carries_the_lock_and_the_reason() {
        let call = CancelCall {
            key: "sag-1".parse().unwrap(),
            payment_key: "pk".parse().unwrap(),
            amount: money(18_156, Currency::Usd),
            tax_free: None,
            refundable: money(20_000, Currency::Usd),
            reason: "wrong capture given back [sag_1]".to_owned(),
            to: None,
        };
        let body = cancel(&call, None);
        let text = String::from_utf8(body).unwrap();
        assert_eq!(
            text,
            r#"{"cancelReason":"wrong capture given back [sag_1]","cancelAmount":181.56,"#
                .to_owned()
                + r#""currency":"USD","refundableAmount":200.00}"#
        );
    }

    #[test]
    fn what_is_without_vat_is_said() {
        let call = CancelCall {
            key: "sag-1".parse().unwrap(),
            payment_key: "pk".parse().unwrap(),
            amount: money(5_000, Currency::Krw),
            tax_free: Some(money(1_000, Currency::Krw)),
            refundable: money(9_000, Currency::Krw),
            reason: "one of two [sag_1]".to_owned(),
            to: None,
        };
        let body = cancel(&call, None);
        let expected = serde_json::json!({
            "cancelReason": "one of two [sag_1]",
            "cancelAmount": 5_000,
            "taxFreeAmount": 1_000,
            "currency": "KRW",
            "refundableAmount": 9_000,
        });
        assert_eq!(read(&body), expected);
    }

    #[test]
    fn a_deposit_goes_back_to_the_account_that_is_named() {
        let call = CancelCall {
            key: "sag-1".parse().unwrap(),
            payment_key: "pk".parse().unwrap(),
            amount: money(20_000, Currency::Krw),
            tax_free: None,
            refundable: money(20_000, Currency::Krw),
            reason: "out of stock".to_owned(),
            to: None,
        };
        let to = RefundAccount {
            bank: "88".parse().unwrap(),
            number: Secret::from("110123456789"),
            holder: Secret::from("홍길동"),
        };
        let mut expected = read(EXAMPLE.as_bytes());
        expected["currency"] = "KRW".into();
        expected["refundableAmount"] = 20_000.into();
        assert_eq!(read(&cancel(&call, Some(&to))), expected);
    }

    #[test]
    fn a_long_reason_keeps_its_end() {
        let long = format!("{}[sag_1]", "환".repeat(300));
        let kept = tail(&long);
        assert_eq!(kept.chars().count(), REASON_CHARS_MAX);
        assert!(kept.ends_with("[sag_1]"));
        assert_eq!(tail("short"), "short");
        assert_eq!(tail(""), "");
    }
}
