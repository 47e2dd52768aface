//! Owns what a receiver reads: an event or a note as it was when it happened, byte for byte the
//! same at every try.

use chrono::SecondsFormat;
use domain::Timestamp;
use domain::event::PaymentEvent;
use domain::principal::Mode;
use domain::webhook::{EventId, Note, Topic};
use serde::Serialize;

/// No message is longer; receivers need not take more.
pub const BODY_BYTES_MAX: usize = 20_000;

/// What stands before the event's own payload.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    event_id: String,
    payment_id: String,
    sequence: i64,
    mode: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'static str>,
    to: &'static str,
    actor: &'static str,
    trace_id: String,
    hash: String,
    previous_hash: String,
}

/// The message about an event. Its payload stands in it as it was sealed; the state that it tells
/// is that of its event, whatever happened since. Why somebody did it is left out: people wrote
/// that, and what they write of people has no business at other servers.
///
/// # Errors
/// It would be longer than receivers take.
pub fn body(event: &PaymentEvent) -> Result<Vec<u8>, String> {
    let id = EventId::of_payment(event.payment, event.sequence);
    let head = Head {
        event_id: id.to_string(),
        payment_id: event.payment.to_string(),
        sequence: event.sequence,
        mode: event.scope.mode.as_str(),
        from: event.from.map(domain::payment::PayStatus::as_str),
        to: event.to.as_str(),
        actor: event.actor.as_str(),
        trace_id: event.trace.id().to_string(),
        hash: event.hash.to_string(),
        previous_hash: event.previous.to_string(),
    };
    let head = serde_json::to_string(&head).expect("plain fields serialise");
    let head = head.strip_suffix('}').expect("an object");
    let kind = event.kind.as_str();
    let at = shown(event.at);
    let mut body =
        format!(r#"{{"type":"{kind}","timestamp":"{at}","data":{head},"payload":"#).into_bytes();
    body.extend_from_slice(&event.payload);
    body.extend_from_slice(b"}}");
    if body.len() > BODY_BYTES_MAX {
        return Err(format!("its message would have {} bytes", body.len()));
    }
    Ok(body)
}

/// What tells that the service itself disabled an endpoint.
#[derive(Serialize)]
struct Disabled {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: DisabledEndpoint,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DisabledEndpoint {
    event_id: String,
    endpoint_id: String,
    sequence: i64,
    mode: &'static str,
    status: &'static str,
}

/// The message about an endpoint of this mode that the service itself disabled, from the note of it
/// alone: what became of the endpoint since is no part of it. None where the note is of something
/// else, of which nobody is told.
pub(super) fn disabled(note: &Note, mode: Mode) -> Option<Vec<u8>> {
    let status = note.disabled_by_service()?;
    let message = Disabled {
        kind: Topic::EndpointDisabled.as_str(),
        timestamp: shown(note.at),
        data: DisabledEndpoint {
            event_id: note.event().to_string(),
            endpoint_id: note.endpoint.to_string(),
            sequence: note.version,
            mode: mode.as_str(),
            status: status.as_str(),
        },
    };
    Some(serde_json::to_vec(&message).expect("plain fields serialise"))
}

fn shown(at: Timestamp) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::event::{Hash, Kind};
    use domain::id::{EndpointId, MerchantId, PaymentId, RawId};
    use domain::payment::PayStatus;
    use domain::principal::{Actor, Scope};
    use domain::trace::Trace;
    use domain::webhook::Deed;
    use serde_json::{Value, json};

    fn event(payload: &str, reason: Option<&str>) -> PaymentEvent {
        PaymentEvent {
            scope: Scope {
                merchant: MerchantId::new(RawId::from_parts(1, 1)),
                mode: Mode::Test,
            },
            payment: PaymentId::new(RawId::from_parts(1, 2)),
            sequence: 3,
            kind: Kind::Approved,
            from: Some(PayStatus::InProgress),
            to: PayStatus::Done,
            actor: Actor::Merchant,
            reason: reason.map(ToOwned::to_owned),
            trace: Trace::kept("0123456789abcdef0123456789abcdef", "-01"),
            at: Timestamp::UNIX_EPOCH,
            payload: payload.as_bytes().to_vec(),
            previous: Hash::GENESIS,
            hash: Hash([7; 32]),
        }
    }

    #[test]
    fn an_event_is_told_with_its_payload_byte_for_byte() {
        let payload = r#"{"orderId":"o-1","amount":1000,  "balance":1000}"#;
        let told =
            String::from_utf8(body(&event(payload, Some("\"}, 김철수 님 변심"))).unwrap()).unwrap();
        assert!(told.contains(payload), "{told}");
        let told: Value = serde_json::from_str(&told).unwrap();
        assert_eq!(told["type"], "payment.approved");
        assert_eq!(told["timestamp"], "1970-01-01T00:00:00.000000Z");
        let data = &told["data"];
        let payment = PaymentId::new(RawId::from_parts(1, 2)).to_string();
        assert_eq!(data["eventId"], format!("{payment}-3"));
        assert_eq!(
            (&data["sequence"], &data["mode"]),
            (&json!(3), &json!("test"))
        );
        assert_eq!(
            (&data["from"], &data["to"]),
            (&json!("IN_PROGRESS"), &json!("DONE"))
        );
        assert_eq!(data.get("reason"), None, "people wrote it");
        assert!(!told.to_string().contains("김철수"));
        assert_eq!(data["payload"]["amount"], 1000);
        assert_eq!(data["hash"], "07".repeat(32));
    }

    #[test]
    fn a_disabled_endpoint_is_told_by_its_note() {
        let note = |deed| Note {
            endpoint: EndpointId::new(RawId::from_parts(1, 3)),
            version: 7,
            deed,
            actor: Actor::System,
            at: Timestamp::UNIX_EPOCH,
        };
        let endpoint = note(Deed::Dead).endpoint.to_string();
        for (deed, status) in [(Deed::Dead, "DEAD"), (Deed::Gone, "GONE")] {
            let told = disabled(&note(deed), Mode::Live).unwrap();
            let expected = concat!(
                r#"{"type":"webhook_endpoint.disabled","timestamp":"1970-01-01T00:00:00.000000Z","#,
                r#""data":{"eventId":"ENDPOINT-7","endpointId":"ENDPOINT","sequence":7,"#,
                r#""mode":"live","status":"STATUS"}}"#,
            );
            let expected = expected.replace("ENDPOINT", &endpoint);
            let expected = expected.replace("STATUS", status);
            assert_eq!(String::from_utf8(told).unwrap(), expected);
        }
        let others = Deed::ALL.iter().copied();
        let others: Vec<Deed> = others
            .filter(|deed| disabled(&note(*deed), Mode::Live).is_none())
            .collect();
        assert_eq!(others.len(), Deed::ALL.len() - 2, "{others:?}");
    }

    #[test]
    fn a_message_that_receivers_would_not_take_is_none() {
        let of = |bytes| body(&event(&format!("\"{}\"", "a".repeat(bytes)), None));
        let around = of(0).unwrap().len();
        assert_eq!(of(BODY_BYTES_MAX - around).unwrap().len(), BODY_BYTES_MAX);
        assert!(of(BODY_BYTES_MAX - around + 1).is_err());
    }
}
