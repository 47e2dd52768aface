//! Owns virtual accounts as the gateway takes and shows them (`toss-api.md §6.5, §7, §10`).

use application::ports::gateway::{AccountWish, CashReceipt, ReceiptKind};
use domain::saga::IssueAccountCall;
use domain::virtual_account::{Concealed, ShownAccount};
use serde::Serialize;
use serde_json::value::RawValue;

use super::amount;
use super::request::json;
use super::wire::{Raw, name, object, parse_instant, seoul};

/// Due dates are in Korean time and say no offset.
const DATE: &str = "%Y-%m-%dT%H:%M:%S";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    amount: Box<RawValue>,
    order_id: String,
    order_name: &'a str,
    customer_name: &'a str,
    bank: &'a str,
    due_date: String,
    /// Only for who sells without VAT; zero where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    tax_free_amount: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cash_receipt: Option<Receipt<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Receipt<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    registration_number: &'a str,
}

/// The body that asks for an account.
pub(super) fn request(call: &IssueAccountCall, with: &AccountWish) -> Vec<u8> {
    json(&Body {
        amount: amount::print(call.amount),
        order_id: call.order.to_string(),
        order_name: with.order_name.as_str(),
        customer_name: with.customer_name.as_str(),
        bank: with.bank.as_str(),
        due_date: with.due_at.with_timezone(&seoul()).format(DATE).to_string(),
        tax_free_amount: call.tax_free.map(amount::print),
        cash_receipt: with.receipt.as_ref().map(receipt),
    })
}

fn receipt(receipt: &CashReceipt) -> Receipt<'_> {
    Receipt {
        kind: match receipt.kind {
            ReceiptKind::Income => "소득공제",
            ReceiptKind::Expense => "지출증빙",
        },
        registration_number: receipt.number.expose(),
    }
}

#[derive(serde::Deserialize)]
#[serde(rename_all = "camelCase")]
struct AccountBody<'a> {
    #[serde(borrow)]
    account_number: Raw<'a>,
    bank_code: Raw<'a>,
    customer_name: Raw<'a>,
    due_date: Raw<'a>,
    refund_status: Raw<'a>,
}

/// The account of a payment; none where it has none, or one that cannot be read.
pub(super) fn shown(account: Raw<'_>, secret: Raw<'_>) -> Option<ShownAccount> {
    let body: AccountBody<'_> = object(account?.get().as_bytes())?;
    let concealed = |raw| name(raw).map(|text| Concealed::new(&text));
    Some(ShownAccount {
        bank: name(body.bank_code)?.parse().ok()?,
        number: concealed(body.account_number)?,
        holder: concealed(body.customer_name),
        due_at: parse_instant(&name(body.due_date)?)?,
        secret: concealed(secret),
        // Before anything was given back it is `NONE`, and right after it, too.
        refund: name(body.refund_status).and_then(|word| word.parse().ok()),
        sealed: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::gateway::toss::wire;
    use application::ports::vault::Secret;
    use domain::id::{GatewayOrderId, RawId};
    use domain::money::{Currency, Money};
    use domain::snapshot::Status;

    const ISSUED: &str = include_str!("../../../../tests/toss-examples/payment-va-waiting.json");
    const DEPOSITED: &str = include_str!("../../../../tests/toss-examples/payment-va-done.json");

    #[test]
    fn what_is_asked_for_is_said_in_korean_time() {
        let order = GatewayOrderId::new(RawId::from_parts(1, 2));
        let money = |minor| Money::new(minor, Currency::Krw).unwrap();
        let call = IssueAccountCall {
            key: "sag-1".parse().unwrap(),
            order,
            amount: money(15_000),
            tax_free: Some(money(1_000)),
            wish: None,
        };
        let wish = AccountWish {
            bank: "20".parse().unwrap(),
            due_at: "2026-03-20T14:59:59Z".parse().unwrap(),
            customer_name: "홍길동".parse().unwrap(),
            receipt: Some(CashReceipt {
                kind: ReceiptKind::Income,
                number: Secret::from("01000000000"),
            }),
            order_name: "생수 외 1건".parse().unwrap(),
        };
        let body: serde_json::Value = serde_json::from_slice(&request(&call, &wish)).unwrap();
        let expected = serde_json::json!({
            "amount": 15_000,
            "orderId": order.to_string(),
            "orderName": "생수 외 1건",
            "customerName": "홍길동",
            "bank": "20",
            "dueDate": "2026-03-20T23:59:59",
            "taxFreeAmount": 1_000,
            "cashReceipt": { "type": "소득공제", "registrationNumber": "01000000000" },
        });
        assert_eq!(body, expected);
    }

    #[test]
    fn accounts_are_read_with_their_secrets_and_never_shown() {
        for (body, status) in [
            (ISSUED, Status::WaitingForDeposit),
            (DEPOSITED, Status::Done),
        ] {
            let snapshot = wire::payment(body.as_bytes()).unwrap();
            assert_eq!(snapshot.status, status);
            let account = snapshot.account.as_deref().unwrap();
            assert!(account.bank.is_issuing());
            let number = account.number.expose();
            assert!(body.contains(number) && account.secret.is_some());
            assert!(!format!("{snapshot:?}").contains(number));
        }
    }

    #[test]
    fn half_an_account_is_none() {
        for field in ["accountNumber", "bankCode", "dueDate"] {
            let body = ISSUED.replacen(&format!("\"{field}\""), "\"other\"", 1);
            let snapshot = wire::payment(body.as_bytes()).unwrap();
            assert_eq!(snapshot.account, None, "{field}");
        }
    }
}
