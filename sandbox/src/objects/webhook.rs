//! Owns the three envelopes webhooks come in, and the signature of those that have one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde::Serialize;
use serde_json::{Value, json};
use sha2::Sha256;

use super::parts;
use crate::clock::{Timestamp, api_date, korean};
use crate::config::{Config, SecurityKeyForm};
use crate::state::billing::BillingKey;
use crate::state::hooks::Event;
use crate::state::payment::{Cancel, Payment, Status};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DepositCallback<'a> {
    created_at: String,
    secret: Option<&'a str>,
    status: Status,
    transaction_key: Option<&'a str>,
    order_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BillingDeleted<'a> {
    billing_key: &'a str,
    reason: Option<()>,
}

/// The payment as it is now, in the key order of captures.
pub(crate) fn payment(payment: &Payment, config: &Config, base: &str, at: Timestamp) -> String {
    let created = created_at(at);
    let korean = crate::catalogue::Language::Korean;
    let data = super::payment::render(payment, config, base, korean);
    format!(r#"{{"createdAt":"{created}","eventType":"PAYMENT_STATUS_CHANGED","data":{data}}}"#)
}

/// What became of a virtual account: flat, and with the payment's secret.
pub(crate) fn deposit(payment: &Payment, at: Timestamp) -> String {
    text(&DepositCallback {
        created_at: created_at(at),
        secret: payment.secret.as_deref(),
        status: payment.status,
        transaction_key: payment.last_transaction_key.as_deref(),
        order_id: &payment.order_id,
    })
}

/// One cancellation, as overseas easy pay tells it.
pub(crate) fn cancel(cancel: &Cancel, config: &Config, at: Timestamp) -> String {
    let data = text(&parts::cancel(cancel, &config.settings));
    wrapped(Event::CancelStatusChanged, &data, at)
}

pub(crate) fn billing_deleted(key: &BillingKey, at: Timestamp) -> String {
    let data = text(&BillingDeleted {
        billing_key: &key.billing_key,
        reason: None,
    });
    wrapped(Event::BillingDeleted, &data, at)
}

/// What became of a payout or a seller; a body that is not given is made up.
pub(crate) fn signed(
    event: Event,
    (event_id, entity): (&str, Option<Value>),
    config: &Config,
    at: Timestamp,
) -> String {
    let (entity_type, made_up) = match event {
        Event::SellerChanged => ("seller", seller()),
        Event::PayoutChanged
        | Event::PaymentStatusChanged
        | Event::DepositCallback
        | Event::CancelStatusChanged
        | Event::BillingDeleted => ("payout", payout(at)),
    };
    let envelope = json!({
        "eventType": event.name(),
        "createdAt": api_date(at),
        "version": config.settings.api_version,
        "eventId": event_id,
        "entityType": entity_type,
        "entityBody": entity.unwrap_or(made_up),
    });
    envelope.to_string()
}

/// The header of what is signed: one value for each key, so that keys can be rotated.
pub(crate) fn signature(body: &str, time: &str, config: &Config) -> String {
    let values = config.security_keys.iter().map(|key| {
        let bytes = match config.settings.security_key_form {
            SecurityKeyForm::Text => key.as_bytes().to_vec(),
            SecurityKeyForm::Hex => unhex(key),
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(&bytes).expect("any length will do");
        mac.update(format!("{body}:{time}").as_bytes());
        format!("v1:{}", STANDARD.encode(mac.finalize().into_bytes()))
    });
    values.collect::<Vec<_>>().join(",")
}

/// The bytes a key stands for; one that is no such text stands for itself.
fn unhex(key: &str) -> Vec<u8> {
    let pairs = (0..key.len()).step_by(2).map(|from| {
        let pair = key.get(from..from.saturating_add(2))?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Option<Vec<u8>> = pairs.collect();
    bytes.unwrap_or_else(|| key.as_bytes().to_vec())
}

fn wrapped(event: Event, data: &str, at: Timestamp) -> String {
    let (name, created) = (event.name(), created_at(at));
    format!(r#"{{"eventType":"{name}","createdAt":"{created}","data":{data}}}"#)
}

/// Korean time without an offset, and with as many digits as it takes (`toss-api.md` §15.2).
fn created_at(at: Timestamp) -> String {
    let text = korean(at).format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("a webhook's data serialises")
}

fn payout(at: Timestamp) -> Value {
    json!({
        "id": "FPA_00001", "refPayoutId": "payout-0001", "destination": "seller-0001",
        "scheduleType": "SCHEDULED", "payoutDate": korean(at).date_naive().to_string(),
        "amount": { "currency": "KRW", "value": 5000.0 }, "transactionDescription": "march",
        "requestedAt": api_date(at), "status": "COMPLETED", "error": null,
        "metadata": { "k": "v" },
    })
}

fn seller() -> Value {
    json!({
        "id": "seller-0001", "refSellerId": "my-seller-0001",
        "businessType": "INDIVIDUAL_BUSINESS",
        "company": {
            "name": "sim shop", "representativeName": "홍길동",
            "businessRegistrationNumber": "1234567890", "email": "s@example.com",
            "phone": "01000000000",
        },
        "individual": null,
        "account": {
            "bankCode": "092", "accountNumber": "100*****0001", "holderName": "홍길동",
        },
        "status": "KYC_REQUIRED", "metadata": null,
    })
}

#[cfg(test)]
mod tests {
    use super::{Config, SecurityKeyForm, Value, signature};

    #[test]
    fn signatures_are_those_of_the_vectors() {
        let vectors = include_str!("../../../tests/toss-examples/signature-vectors.json");
        let vectors: Value = serde_json::from_str(vectors).expect("vectors");
        let text = |name: &str| vectors[name].as_str().expect("text");
        let mut config = Config {
            security_keys: vec![text("securityKey").to_owned()],
            ..Config::default()
        };
        let made = signature(text("body"), text("transmissionTime"), &config);
        assert_eq!(made, format!("v1:{}", text("v1_key_as_utf8_text")));
        config.settings.security_key_form = SecurityKeyForm::Hex;
        config.security_keys.push("another".to_owned());
        let made = signature(text("body"), text("transmissionTime"), &config);
        let hex = format!("v1:{},v1:", text("v1_key_hex_decoded"));
        assert!(made.starts_with(&hex), "{made}");
    }
}
