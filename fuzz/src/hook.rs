//! Owns what must hold of what gateways tell: whatever the bytes are, something fit to be kept
//! comes of them, and an order and a claim only where they say so.

use application::ports::inbox::{HookReader as _, Sort};
use domain::inbox::{Claim, Headers, Kind};
use payflow::adapters::gateway::toss::Hooks;
use serde_json::Value;

/// The body.
pub(crate) fn run(bytes: &[u8]) {
    let told = Hooks.read(bytes, &Headers::default());
    let kind = told.kind.as_str();
    assert!((1..=64).contains(&kind.len()), "{kind:?}");
    assert!(kind.bytes().all(|byte| byte.is_ascii_graphic()), "{kind:?}");
    assert_eq!(kind.parse::<Kind>().as_ref(), Ok(&told.kind));
    let again = Hooks.read(bytes, &Headers::default());
    assert_eq!(again, told, "read twice");
    let value: Option<Value> = serde_json::from_slice(bytes).ok();
    let value = value.filter(Value::is_object);
    let Some(value) = value else {
        assert_eq!(told.sort, Sort::Unreadable, "of no object");
        return;
    };
    match told.sort {
        Sort::Unreadable => {}
        Sort::NoOrder => assert!(value["eventType"].is_string(), "of no event"),
        Sort::KeyGone(key) => {
            assert_eq!(value["eventType"], "BILLING_DELETED");
            assert_eq!(value["data"]["billingKey"], key.expose());
            assert!((1..=200).contains(&key.expose().len()));
        }
        Sort::Signed => {
            let event = value["eventType"].as_str();
            let signed = [Some("payout.changed"), Some("seller.changed")];
            assert!(signed.contains(&event), "{event:?} is not signed");
        }
        Sort::Hint {
            order,
            claim,
            secret,
        } => {
            is_said(&value, &order, &claim);
            let said = value["secret"]
                .as_str()
                .or(value["data"]["secret"].as_str());
            assert!(
                secret.is_none() || said.is_some(),
                "a secret that nobody said"
            );
        }
    }
}

/// By one of the two forms that name an order.
fn is_said(value: &Value, order: &str, claim: &Claim) {
    let (data, movement) = match value["eventType"].as_str() {
        Some("PAYMENT_STATUS_CHANGED") => (&value["data"], "lastTransactionKey"),
        Some("DEPOSIT_CALLBACK") => (&value["data"], "transactionKey"),
        Some(event) => panic!("{event} names no order"),
        None => (value, "transactionKey"),
    };
    assert_eq!(data["orderId"], order);
    let status = data["status"].as_str().unwrap_or_default();
    match claim {
        Claim::Moved(key) => {
            assert_eq!(data[movement], key.as_str());
            assert!(["DONE", "CANCELED", "PARTIAL_CANCELED"].contains(&status));
        }
        Claim::NothingTaken => assert!(["EXPIRED", "ABORTED"].contains(&status)),
        Claim::Unclear => {}
    }
}
