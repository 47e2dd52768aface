//! Owns reading what Toss tells unasked (`toss-api.md §15.3`): three envelopes, of which only one
//! is signed. The bytes may be anybody's.

use application::ports::inbox::{HookReader, Sort, Told};
use application::ports::vault::Secret;
use chrono::{DateTime, Utc};
use domain::Timestamp;
use domain::inbox::{Claim, Headers, Kind};
use serde_json::{Map, Value};

use super::signed;

/// What a deposit is told as; it has no `eventType`.
const DEPOSIT: &str = "DEPOSIT_CALLBACK";
const PAYMENT: &str = "PAYMENT_STATUS_CHANGED";
const KEY_GONE: &str = "BILLING_DELETED";
/// More than any billing key has (`toss-api.md §15.3`).
const BILLING_KEY_BYTES_MAX: usize = 200;
/// What of a payment by virtual account is personal, or a secret.
const PERSONAL: [&str; 4] = ["virtualAccount", "cashReceipt", "cashReceipts", "secret"];
/// The kinds that are signed.
const SIGNED: [&str; 2] = ["payout.changed", "seller.changed"];

/// Reads what Toss tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hooks;

impl HookReader for Hooks {
    fn read(&self, body: &[u8], _: &Headers) -> Told {
        let Ok(Value::Object(told)) = serde_json::from_slice(body) else {
            return Told::default();
        };
        let Some(event) = told.get("eventType") else {
            let sort = deposit(&told);
            let kind = if sort == Sort::Unreadable {
                Kind::default()
            } else {
                Kind::told(DEPOSIT)
            };
            return Told { kind, sort };
        };
        let Value::String(event) = event else {
            return Told::default();
        };
        let data = told.get("data").and_then(Value::as_object);
        let sort = match event.as_str() {
            KEY_GONE => data.map_or(Sort::Unreadable, key_gone),
            PAYMENT => data.map_or(Sort::Unreadable, payment),
            DEPOSIT => data.map_or(Sort::Unreadable, deposit),
            signed if SIGNED.contains(&signed) => Sort::Signed,
            // Of wallets and cancellations, none of which names an order, and
            // whatever Toss adds without a word.
            _ => Sort::NoOrder,
        };
        Told {
            kind: Kind::told(event),
            sort,
        }
    }

    fn renamed(&self, body: &[u8], name: &str) -> Vec<u8> {
        let Ok(Value::Object(mut told)) = serde_json::from_slice(body) else {
            return Vec::new();
        };
        if let Some(Value::Object(data)) = told.get_mut("data") {
            data.insert("billingKey".to_owned(), Value::from(name));
        }
        Value::Object(told).to_string().into_bytes()
    }

    fn signed_at(&self, body: &[u8], headers: &Headers, keys: &[Secret]) -> Option<Timestamp> {
        let (time, signature) = (headers.sent_at.as_deref()?, headers.signature.as_deref()?);
        let sent_at = DateTime::parse_from_rfc3339(time).ok()?;
        signed::is_by(keys, body, time, signature).then(|| sent_at.with_timezone(&Utc))
    }

    fn without_account(&self, body: &[u8]) -> Option<Vec<u8>> {
        let Ok(Value::Object(mut told)) = serde_json::from_slice(body) else {
            return None;
        };
        let data = told.get_mut("data").and_then(Value::as_object_mut)?;
        data.get("virtualAccount")
            .filter(|account| !account.is_null())?;
        for name in PERSONAL {
            data.insert(name.to_owned(), Value::Null);
        }
        Some(Value::Object(told).to_string().into_bytes())
    }
}

/// A payment, in full. Fields may be missing, and others are there.
fn payment(data: &Map<String, Value>) -> Sort {
    hint(data, "lastTransactionKey", None)
}

/// A billing key that is deleted; its `reason` is null.
fn key_gone(data: &Map<String, Value>) -> Sort {
    let named = data.get("billingKey").and_then(Value::as_str);
    let fits = |key: &&str| (1..=BILLING_KEY_BYTES_MAX).contains(&key.len());
    match named.filter(fits) {
        Some(key) => Sort::KeyGone(Secret::from(key)),
        None => Sort::Unreadable,
    }
}

/// What is flat. Its secret is no proof, since whoever read one notification knows it; that it is
/// another one disproves it.
fn deposit(told: &Map<String, Value>) -> Sort {
    let is_text = |name: &str| told.get(name).is_some_and(Value::is_string);
    if ["secret", "status", "transactionKey"]
        .into_iter()
        .all(is_text)
    {
        let secret = told.get("secret").and_then(Value::as_str);
        hint(told, "transactionKey", secret.map(Secret::from))
    } else {
        Sort::Unreadable
    }
}

fn hint(told: &Map<String, Value>, movement: &str, secret: Option<Secret>) -> Sort {
    let text = |name: &str| told.get(name).and_then(Value::as_str);
    let Some(order) = text("orderId") else {
        return Sort::Unreadable;
    };
    let moved = text(movement).and_then(|key| key.parse().ok());
    let claim = match (text("status"), moved) {
        (Some("DONE" | "CANCELED" | "PARTIAL_CANCELED"), Some(key)) => Claim::Moved(key),
        (Some("EXPIRED" | "ABORTED"), _) => Claim::NothingTaken,
        (_, _) => Claim::Unclear,
    };
    Sort::Hint {
        order: order.to_owned(),
        claim,
        secret,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "ps_k5cttuUhuuahWI9dKmbtSsJJi9th";

    fn read(body: &str) -> Told {
        Hooks.read(body.as_bytes(), &Headers::default())
    }

    fn example(name: &str) -> Told {
        let path = format!("{}/tests/toss-examples/{name}", env!("CARGO_MANIFEST_DIR"));
        read(&std::fs::read_to_string(path).unwrap())
    }

    fn hinted(order: &str, claim: Claim) -> Sort {
        Sort::Hint {
            order: order.to_owned(),
            claim,
            secret: None,
        }
    }

    fn deposited(order: &str, claim: Claim) -> Sort {
        Sort::Hint {
            order: order.to_owned(),
            claim,
            secret: Some(Secret::from(SECRET)),
        }
    }

    fn moved(key: &str) -> Claim {
        Claim::Moved(key.parse().unwrap())
    }

    #[test]
    fn accounts_are_not_kept() {
        let path = format!(
            "{}/tests/toss-examples/payment-va-done.json",
            env!("CARGO_MANIFEST_DIR")
        );
        let payment = std::fs::read_to_string(path).unwrap();
        let body = format!("{{\"eventType\":\"{PAYMENT}\",\"data\":{payment}}}");
        let kept = Hooks.without_account(body.as_bytes()).unwrap();
        let kept = String::from_utf8(kept).unwrap();
        assert_eq!(read(&kept), read(&body));
        for personal in ["X6505001234567", "홍길동", "ps_k5"] {
            assert!(
                body.contains(personal) && !kept.contains(personal),
                "{personal}"
            );
        }
        for other in [
            "",
            "[]",
            "{\"data\":1}",
            "{\"data\":{\"virtualAccount\":null}}",
        ] {
            assert_eq!(Hooks.without_account(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn every_envelope_is_read() {
        let (first, fourth) = ("ord_20260315_000001", "ord_20260315_000004");
        for (name, kind, sort) in [
            (
                "wh-payment-done.json",
                PAYMENT,
                hinted(first, moved("txrd_a01kkqhvtf8pg7m6kq310fxecd3")),
            ),
            (
                "wh-payment-partial.json",
                PAYMENT,
                hinted(first, moved("txrd_a01kksz2g00bcqsg94grm9n9fhg")),
            ),
            (
                "wh-payment-expired.json",
                PAYMENT,
                hinted("ord_20260315_000009", Claim::NothingTaken),
            ),
            (
                "wh-deposit-done.json",
                DEPOSIT,
                deposited(fourth, moved("07133226947CF78C9E6FF93EE07F7E9F")),
            ),
            (
                "wh-deposit-issued.json",
                DEPOSIT,
                deposited(fourth, Claim::Unclear),
            ),
            (
                "wh-deposit-reversed.json",
                DEPOSIT,
                deposited(fourth, Claim::Unclear),
            ),
            (
                "wh-cancel-status.json",
                "CANCEL_STATUS_CHANGED",
                Sort::NoOrder,
            ),
            (
                "wh-billing-deleted.json",
                KEY_GONE,
                Sort::KeyGone(Secret::from("UHqai-PRRahtqpZEsov0Ko3Acg2LrqvfBAbDk2kr8II=")),
            ),
            ("wh-method-updated.json", "METHOD_UPDATED", Sort::NoOrder),
            (
                "wh-customer-status.json",
                "CUSTOMER_STATUS_CHANGED",
                Sort::NoOrder,
            ),
            ("wh-payout.json", "payout.changed", Sort::Signed),
            ("wh-seller.json", "seller.changed", Sort::Signed),
        ] {
            let told = example(name);
            assert_eq!((told.kind.as_str(), told.sort), (kind, sort), "{name}");
        }
    }

    #[test]
    fn what_makes_no_sense_is_unreadable_and_what_is_new_is_not() {
        for body in [
            "",
            "null",
            "[]",
            "{",
            "{}",
            "\u{feff}{}",
            r#"{"eventType":7}"#,
            r#"{"eventType":"PAYMENT_STATUS_CHANGED"}"#,
            r#"{"eventType":"PAYMENT_STATUS_CHANGED","data":["gwo"]}"#,
            r#"{"eventType":"PAYMENT_STATUS_CHANGED","data":{"status":"DONE"}}"#,
            r#"{"eventType":"BILLING_DELETED","data":{"billingKey":""}}"#,
            r#"{"eventType":"BILLING_DELETED","data":{"billingKey":null}}"#,
            r#"{"orderId":"o","status":"DONE"}"#,
            r#"{"orderId":1,"status":"DONE","secret":"s","transactionKey":"t"}"#,
        ] {
            assert_eq!(read(body).sort, Sort::Unreadable, "{body}");
        }
        let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
        assert_eq!(read(&deep).sort, Sort::Unreadable);
        let new = read(r#"{"eventType":"TOMORROW'S","data":{"orderId":"o"}}"#);
        assert_eq!((new.kind.as_str(), new.sort), ("TOMORROW'S", Sort::NoOrder));
    }

    #[test]
    fn a_claim_that_is_not_known_is_asked_about() {
        for data in [
            r#"{"orderId":"o"}"#,
            r#"{"orderId":"o","status":"DONE"}"#,
            r#"{"orderId":"o","status":"DONE","lastTransactionKey":""}"#,
            r#"{"orderId":"o","status":["DONE"],"lastTransactionKey":"t"}"#,
            r#"{"orderId":"o","status":"TOMORROW","lastTransactionKey":"t"}"#,
        ] {
            let body = format!(r#"{{"eventType":"{PAYMENT}","data":{data}}}"#);
            assert_eq!(read(&body).sort, hinted("o", Claim::Unclear), "{data}");
        }
    }
}
