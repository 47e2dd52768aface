//! Owns waking workers: what is published of an approval that is left to one.

use domain::event::Kind;
use serde::{Deserialize, Serialize};

use super::envelope::{Envelope, Worded};
use crate::ports::bus::{Message, Topic};

/// What of the event's payload says that a worker is waited for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    #[serde(default)]
    saga_id: Option<String>,
    #[serde(default)]
    asynchronous: bool,
}

/// What is said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'e> {
    saga_id: String,
    payment_id: &'e str,
    merchant_id: &'e str,
    mode: &'static str,
}

/// What wakes a worker; nothing where none is waited for.
pub(super) fn told(worded: &Worded<'_>) -> Result<Option<Message>, serde_json::Error> {
    let event = worded.event;
    if event.kind != Kind::ApprovalRequested {
        return Ok(None);
    }
    let asked: Asked = serde_json::from_slice(&event.payload)?;
    let Some(saga_id) = asked.saga_id.filter(|_| asked.asynchronous) else {
        return Ok(None);
    };
    let data = Data {
        saga_id,
        payment_id: &worded.payment,
        merchant_id: &worded.merchant,
        mode: event.scope.mode.as_str(),
    };
    let id = format!("{}/command", worded.id());
    let envelope = Envelope::around(worded, id, Topic::PaymentRequested.as_str(), data);
    envelope
        .into_message(Topic::PaymentRequested, &worded.payment)
        .map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::envelope::tests::event;
    use serde_json::Value;

    #[test]
    fn only_what_is_left_to_a_worker_wakes_one() {
        let mut event = event(3, 2, Kind::ApprovalRequested);
        event.payload = br#"{"orderId":"o-1","sagaId":"sag_1"}"#.to_vec();
        assert_eq!(told(&Worded::new(&event)).unwrap(), None);
        event.payload = br#"{"orderId":"o-1","sagaId":"sag_1","asynchronous":true}"#.to_vec();
        let message = told(&Worded::new(&event)).unwrap().unwrap();
        assert_eq!(message.topic, Topic::PaymentRequested);
        assert_eq!(message.key, Some(event.payment.to_string().into_bytes()));
        let body: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(body["type"], "payment.requested.v1");
        assert_eq!(body["data"]["sagaId"], "sag_1");
        event.kind = Kind::Approved;
        assert_eq!(told(&Worded::new(&event)).unwrap(), None);
    }
}
