//! Owns how an event is said to others: a `CloudEvents` 1.0 envelope in JSON, its headers, and the
//! trace that goes on through it.

use std::borrow::Cow;

use chrono::SecondsFormat;
use domain::event::{Hash, PaymentEvent};
use domain::member_event::MemberEvent;
use domain::principal::Scope;
use domain::trace::{SpanId, Trace};
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use crate::ports::bus::{Message, Topic};

/// Said of every envelope; the encoding of JSON is UTF-8.
pub(super) const CONTENT_TYPE: &str = "application/cloudevents+json; charset=UTF-8";
/// An envelope is written into this much at first: most of them fit.
const BYTES_USUAL: usize = 1536;

/// The attributes and the data, in the order in which people read them.
#[derive(Serialize)]
pub(super) struct Envelope<'e, D> {
    specversion: &'static str,
    id: String,
    source: String,
    #[serde(rename = "type")]
    kind: &'static str,
    subject: &'e str,
    time: String,
    datacontenttype: &'static str,
    /// Which of its payment's events, as text that sorts as the numbers do.
    sequence: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    traceparent: Option<String>,
    data: D,
}

/// An event and what is said of it more than once, as text.
pub(super) struct Worded<'e> {
    pub(super) event: &'e PaymentEvent,
    pub(super) payment: String,
    pub(super) merchant: String,
}

impl<'e> Worded<'e> {
    pub(super) fn new(event: &'e PaymentEvent) -> Self {
        Self {
            event,
            payment: event.payment.to_string(),
            merchant: event.scope.merchant.to_string(),
        }
    }

    /// What names the event everywhere and for ever.
    pub(super) fn id(&self) -> String {
        format!("{}/{}", self.payment, self.event.sequence)
    }

    /// The trace that caused it, as W3C words it; the event itself is the parent.
    fn traceparent(&self) -> String {
        match span_of(self.event) {
            Some(span) => self.event.trace.within(span).to_string(),
            None => self.event.trace.to_string(),
        }
    }
}

/// The span that an event is published in: the same however often it is.
pub(super) fn span_of(event: &PaymentEvent) -> Option<SpanId> {
    let bits = event.hash.0.first_chunk().copied();
    bits.map(u64::from_be_bytes).and_then(SpanId::of)
}

/// The same of what is no payment's; none where nobody knows what caused it.
pub(super) fn span_of_member(event: &MemberEvent, subject: &str) -> Option<SpanId> {
    if event.trace == Trace::NONE {
        return None;
    }
    let name = Sha256::new_with_prefix(subject).chain_update(event.sequence.to_be_bytes());
    let bits = name.finalize().first_chunk().copied();
    bits.map(u64::from_be_bytes).and_then(SpanId::of)
}

/// What is said of a payment's event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'e> {
    payment_id: &'e str,
    merchant_id: &'e str,
    mode: &'static str,
    sequence: i64,
    from: Option<&'static str>,
    to: &'static str,
    actor: &'static str,
    payload: &'e RawValue,
    hash: Digits,
    previous_hash: Digits,
}

/// A hash, written where it goes.
struct Digits(Hash);

impl Serialize for Digits {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'e, D: Serialize> Envelope<'e, D> {
    /// Around `data`, which is said of an event under a type of its own.
    pub(super) fn around(worded: &'e Worded<'_>, id: String, kind: &'static str, data: D) -> Self {
        let event = worded.event;
        Self {
            specversion: "1.0",
            id,
            source: [
                "/merchants/",
                &worded.merchant,
                "/",
                event.scope.mode.as_str(),
            ]
            .concat(),
            kind,
            subject: &worded.payment,
            time: event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            datacontenttype: "application/json",
            sequence: format!("{:020}", event.sequence),
            traceparent: Some(worded.traceparent()),
            data,
        }
    }

    /// Around `data`, which is said of a member's event under a type of its own.
    pub(super) fn of_member(
        (event, subject): (&MemberEvent, &'e str),
        id: String,
        kind: &'static str,
        data: D,
    ) -> Self {
        let Scope { merchant, mode } = event.scope;
        Self {
            specversion: "1.0",
            id,
            source: format!("/merchants/{merchant}/{mode}"),
            kind,
            subject,
            time: event.at.to_rfc3339_opts(SecondsFormat::Micros, true),
            datacontenttype: "application/json",
            sequence: format!("{:020}", event.sequence),
            traceparent: span_of_member(event, subject)
                .map(|span| event.trace.within(span).to_string()),
            data,
        }
    }

    /// The message that carries it. Its headers repeat what identifies it, so that nobody has to
    /// read the body to know whether it was seen before.
    pub(super) fn into_message(
        self,
        topic: Topic,
        key: &str,
    ) -> Result<Message, serde_json::Error> {
        let mut payload = Vec::with_capacity(BYTES_USUAL);
        serde_json::to_writer(&mut payload, &self)?;
        let mut headers: Vec<(_, Cow<'static, [u8]>)> = vec![
            ("content-type", CONTENT_TYPE.as_bytes().into()),
            ("ce_specversion", self.specversion.as_bytes().into()),
            ("ce_id", self.id.into_bytes().into()),
            ("ce_source", self.source.into_bytes().into()),
            ("ce_type", self.kind.as_bytes().into()),
            ("ce_subject", self.subject.as_bytes().to_vec().into()),
            ("ce_sequence", self.sequence.into_bytes().into()),
        ];
        let trace = self.traceparent;
        headers.extend(trace.map(|trace| ("traceparent", trace.into_bytes().into())));
        let headers = headers.into_iter();
        let headers = headers.map(|(name, value)| (Cow::Borrowed(name), Some(value)));
        Ok(Message {
            topic,
            key: Some(key.into()),
            headers: headers.collect(),
            payload,
        })
    }
}

/// What is published of an event to everybody.
pub(super) fn told(worded: &Worded<'_>) -> Result<Message, serde_json::Error> {
    let event = worded.event;
    let data = Data {
        payment_id: &worded.payment,
        merchant_id: &worded.merchant,
        mode: event.scope.mode.as_str(),
        sequence: event.sequence,
        from: event.from.map(domain::payment::PayStatus::as_str),
        to: event.to.as_str(),
        actor: event.actor.as_str(),
        payload: serde_json::from_slice(&event.payload)?,
        hash: Digits(event.hash),
        previous_hash: Digits(event.previous),
    };
    let envelope = Envelope::around(worded, worded.id(), event.kind.as_str(), data);
    envelope.into_message(Topic::PaymentEvents, &worded.payment)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::event::Kind;
    use domain::id::{MerchantId, PaymentId, RawId};
    use domain::payment::PayStatus;
    use domain::principal::{Actor, Mode, Scope};
    use serde_json::{Value, json};

    pub(in crate::relay) fn event(payment: u128, sequence: i64, kind: Kind) -> PaymentEvent {
        PaymentEvent {
            scope: Scope {
                merchant: MerchantId::new(RawId::from_parts(1, 1)),
                mode: Mode::Test,
            },
            payment: PaymentId::new(RawId::from_parts(2, payment)),
            sequence,
            kind,
            from: Some(PayStatus::InProgress),
            to: PayStatus::Done,
            actor: Actor::Merchant,
            reason: Some("Kim asked for it".to_owned()),
            trace: Trace::kept("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7-01"),
            at: Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            payload: br#"{"orderId":"o-1","amount":1000,"currency":"KRW","balance":1000}"#.to_vec(),
            previous: Hash([7; 32]),
            hash: Hash([0xab; 32]),
        }
    }

    #[test]
    fn an_event_is_a_cloud_event_keyed_by_its_payment() {
        let event = event(9, 12, Kind::Approved);
        let message = told(&Worded::new(&event)).unwrap();
        assert_eq!(message.topic, Topic::PaymentEvents);
        assert_eq!(message.key, Some(event.payment.to_string().into_bytes()));
        let body: Value = serde_json::from_slice(&message.payload).unwrap();
        let (payment, merchant) = (event.payment.to_string(), event.scope.merchant.to_string());
        assert_eq!(
            body,
            json!({
                "specversion": "1.0",
                "id": format!("{payment}/12"),
                "source": format!("/merchants/{merchant}/test"),
                "type": "payment.approved",
                "subject": payment,
                "time": "2023-11-14T22:13:20.123456Z",
                "datacontenttype": "application/json",
                "sequence": "00000000000000000012",
                "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-abababababababab-01",
                "data": {
                    "paymentId": payment,
                    "merchantId": merchant,
                    "mode": "test",
                    "sequence": 12,
                    "from": "IN_PROGRESS",
                    "to": "DONE",
                    "actor": event.actor.as_str(),
                    "payload": {
                        "orderId": "o-1", "amount": 1000, "currency": "KRW", "balance": 1000
                    },
                    "hash": "ab".repeat(32),
                    "previousHash": "07".repeat(32),
                },
            })
        );
    }

    #[test]
    fn the_payload_is_said_byte_by_byte() {
        let mut event = event(9, 1, Kind::Prepared);
        event.payload = br#"{"b":1, "a":  1.50}"#.to_vec();
        let message = told(&Worded::new(&event)).unwrap();
        let text = String::from_utf8(message.payload).unwrap();
        assert!(text.contains(r#""payload":{"b":1, "a":  1.50}"#), "{text}");
    }

    #[test]
    fn what_somebody_wrote_freely_is_not_published() {
        let message = told(&Worded::new(&event(9, 1, Kind::Canceled))).unwrap();
        let text = String::from_utf8(message.payload).unwrap();
        assert!(!text.contains("Kim"), "{text}");
    }

    #[test]
    fn headers_tell_what_it_is_without_reading_it() {
        let event = event(9, 3, Kind::Approved);
        let message = told(&Worded::new(&event)).unwrap();
        let header = |name: &str| {
            let mut found = message.headers.iter().filter(|(known, _)| known == name);
            let value = found.next().map(|(_, value)| value.clone()).unwrap();
            String::from_utf8(value.unwrap().into_owned()).unwrap()
        };
        assert_eq!(header("content-type"), CONTENT_TYPE);
        assert_eq!(header("ce_id"), format!("{}/3", event.payment));
        assert_eq!(header("ce_type"), "payment.approved");
        assert_eq!(header("ce_sequence"), "00000000000000000003");
        assert_eq!(
            header("traceparent"),
            "00-4bf92f3577b34da6a3ce929d0e0e4736-abababababababab-01"
        );
    }
}
