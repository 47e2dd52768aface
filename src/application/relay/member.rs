//! Owns what is published of subscriptions and stored cards: an event for everybody, and what
//! their member is to be told.

use domain::member_event::{CardDeed, Kind, MemberEvent, Subject};
use domain::subscription::{Deed, Status};
use serde::Serialize;
use serde_json::value::RawValue;

use super::envelope::Envelope;
use super::notification::Code;
use crate::ports::bus::{Message, Topic};

/// By which name the subject is said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Named<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    subscription_id: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    billing_key_id: Option<&'e str>,
    merchant_id: &'e str,
    mode: &'static str,
}

/// What is said to everybody.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'e> {
    #[serde(flatten)]
    named: Named<'e>,
    sequence: i64,
    from: Option<&'static str>,
    to: &'static str,
    actor: &'static str,
    payload: &'e RawValue,
}

/// What is said for the member's sake.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Notice<'e> {
    code: &'static str,
    member_id: &'e str,
    #[serde(flatten)]
    named: Named<'e>,
    status: &'static str,
    payload: &'e RawValue,
}

/// What the member is told when this happens, if anything. A decline tells the member of one that
/// waits for another card that a card is needed, and of any other when the next try is.
const fn code(kind: Kind) -> Option<Code> {
    match kind {
        Kind::Card(CardDeed::Issued) => Some(Code::BillingKeyIssued),
        Kind::Card(CardDeed::Deleted) => Some(Code::BillingKeyDeleted),
        Kind::Subscription(deed) => match deed {
            Deed::Created => Some(Code::SubscriptionCreated),
            Deed::Paid => Some(Code::AutoBillingApproved),
            Deed::Declined => Some(Code::AutoBillingDeclined),
            Deed::Failed => Some(Code::AutoBillingFailed),
            Deed::CardChanged => Some(Code::SubscriptionCardChanged),
            Deed::CancelScheduled => Some(Code::SubscriptionCancelScheduled),
            Deed::Canceled => Some(Code::SubscriptionCanceled),
            Deed::RanOut => Some(Code::SubscriptionExpired),
            // Its payment tells of the money, and of an end by it `ended`; what was not charged is
            // nobody's news, and what the gateway does not give back is a person's work.
            Deed::Refunded | Deed::Skipped | Deed::RefundRefused => None,
        },
    }
}

/// What the member is told where money given back by others is the end of the subscription.
fn ended(event: &MemberEvent) -> Option<Code> {
    let by_refund = event.kind == Kind::Subscription(Deed::Refunded);
    let is_end = event.to == Status::Canceled.as_str() && event.from != Some(event.to);
    (by_refund && is_end).then_some(Code::SubscriptionCanceled)
}

/// Everything that is published of the event.
pub(super) fn told(event: &MemberEvent) -> Result<Vec<Message>, serde_json::Error> {
    let subject = event.subject.to_string();
    let merchant = event.scope.merchant.to_string();
    let payload: &RawValue = serde_json::from_slice(&event.payload)?;
    let named = || {
        let (subscription_id, billing_key_id) = match event.subject {
            Subject::Subscription(_) => (Some(subject.as_str()), None),
            Subject::BillingKey(_) => (None, Some(subject.as_str())),
        };
        Named {
            subscription_id,
            billing_key_id,
            merchant_id: &merchant,
            mode: event.scope.mode.as_str(),
        }
    };
    let id = format!("{subject}/{}", event.sequence);
    let data = Data {
        named: named(),
        sequence: event.sequence,
        from: event.from,
        to: event.to,
        actor: event.actor.as_str(),
        payload,
    };
    let around = (event, subject.as_str());
    let envelope = Envelope::of_member(around, id.clone(), event.kind.as_str(), data);
    let mut messages = vec![envelope.into_message(Topic::BillingEvents, &subject)?];
    if let Some(code) = code(event.kind).or_else(|| ended(event)) {
        let notice = Notice {
            code: code.as_str(),
            member_id: event.member.as_str(),
            named: named(),
            status: event.to,
            payload,
        };
        // Ids are unique per source: the event is said there under its own already.
        let (id, kind) = (format!("{id}/notification"), Topic::Notifications.as_str());
        let envelope = Envelope::of_member(around, id, kind, notice);
        messages.push(envelope.into_message(Topic::Notifications, event.member.as_str())?);
    }
    Ok(messages)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Timestamp;
    use domain::id::{BillingKeyId, MerchantId, RawId, SubscriptionId};
    use domain::principal::{Actor, Mode, Scope};
    use domain::trace::Trace;
    use serde_json::{Value, json};

    fn event(subject: Subject, sequence: i64, kind: Kind) -> MemberEvent {
        MemberEvent {
            scope: Scope {
                merchant: MerchantId::new(RawId::from_parts(1, 1)),
                mode: Mode::Test,
            },
            subject,
            sequence,
            kind,
            from: Some("PENDING"),
            to: "ACTIVE",
            actor: Actor::Gateway,
            member: "member-7".parse().unwrap(),
            trace: Trace::NONE,
            at: Timestamp::from_timestamp_micros(1_700_000_000_123_456).unwrap(),
            payload: br#"{"planCode":"tea","cycle":1}"#.to_vec(),
        }
    }

    fn subscription(sequence: i64, deed: Deed) -> MemberEvent {
        let id = SubscriptionId::new(RawId::from_parts(2, 3));
        let kind = Kind::Subscription(deed);
        event(Subject::Subscription(id), sequence, kind)
    }

    fn body(message: &Message) -> Value {
        serde_json::from_slice(&message.payload).unwrap()
    }

    #[test]
    fn an_event_is_keyed_by_its_subscription_and_names_nobody() {
        let event = subscription(2, Deed::Paid);
        let messages = told(&event).unwrap();
        let subject = event.subject.to_string();
        assert_eq!(messages[0].topic, Topic::BillingEvents);
        assert_eq!(messages[0].key, Some(subject.clone().into_bytes()));
        let said = body(&messages[0]);
        assert_eq!(said["id"], format!("{subject}/2"));
        assert_eq!(said["type"], "subscription.paid");
        assert_eq!(
            said["data"],
            json!({
                "subscriptionId": subject,
                "merchantId": event.scope.merchant.to_string(),
                "mode": "test",
                "sequence": 2,
                "from": "PENDING",
                "to": "ACTIVE",
                "actor": "GATEWAY",
                "payload": { "planCode": "tea", "cycle": 1 },
            })
        );
        assert!(!said.to_string().contains("member-7"));
    }

    #[test]
    fn a_member_is_told_under_a_name_of_its_own() {
        let event = subscription(2, Deed::Paid);
        let messages = told(&event).unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[1].topic, Topic::Notifications);
        assert_eq!(messages[1].key.as_deref(), Some(b"member-7".as_slice()));
        let said = body(&messages[1]);
        assert_eq!(said["data"]["code"], "AUTO_BILLING_APPROVED");
        assert_eq!(said["data"]["memberId"], "member-7");
        assert_eq!(said["id"], format!("{}/2/notification", event.subject));
        assert_eq!(said.get("traceparent"), None);
    }

    #[test]
    fn an_event_goes_on_with_its_trace_under_the_same_span_every_time() {
        let mut event = subscription(2, Deed::Paid);
        event.trace = Trace::kept("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7-00");
        let said = |event: &MemberEvent| {
            let parents = told(event).unwrap();
            let parents = parents
                .iter()
                .map(|message| body(message)["traceparent"].clone());
            parents.collect::<Vec<_>>()
        };
        let first = said(&event);
        let parent: Trace = first[0].as_str().unwrap().parse().unwrap();
        assert_eq!(
            (parent.id(), parent.is_sampled()),
            (event.trace.id(), false)
        );
        assert_ne!(parent.span(), event.trace.span());
        assert_eq!(first, [first[0].clone(), first[0].clone()]);
        assert_eq!(said(&event), first);
        event.sequence = 3;
        assert_ne!(said(&event)[0], first[0]);
    }

    #[test]
    fn every_turn_of_a_subscription_and_a_card_is_told_to_its_member() {
        let codes = Kind::all().map(|kind| code(kind).map(Code::as_str));
        let codes: Vec<&str> = codes.map(|code| code.unwrap_or("-")).collect();
        let words: Vec<&str> = Kind::all().map(Kind::as_str).collect();
        let told: Vec<(&str, &str)> = words.into_iter().zip(codes).collect();
        assert_eq!(
            told,
            [
                ("subscription.created", "SUBSCRIPTION_CREATED"),
                ("subscription.paid", "AUTO_BILLING_APPROVED"),
                ("subscription.payment_declined", "AUTO_BILLING_DECLINED"),
                ("subscription.payment_failed", "AUTO_BILLING_FAILED"),
                ("subscription.cycle_skipped", "-"),
                ("subscription.card_changed", "SUBSCRIPTION_CARD_CHANGED"),
                (
                    "subscription.cancel_scheduled",
                    "SUBSCRIPTION_CANCEL_SCHEDULED"
                ),
                ("subscription.canceled", "SUBSCRIPTION_CANCELED"),
                ("subscription.refunded", "-"),
                ("subscription.refund_refused", "-"),
                ("subscription.expired", "SUBSCRIPTION_EXPIRED"),
                ("billing_key.issued", "BILLING_KEY_ISSUED"),
                ("billing_key.deleted", "BILLING_KEY_DELETED"),
            ]
        );
    }

    #[test]
    fn a_refund_that_is_the_end_is_told_as_the_end() {
        let told_of = |from, to| {
            let mut event = subscription(3, Deed::Refunded);
            (event.from, event.to) = (Some(from), to);
            let messages = told(&event).unwrap();
            messages
                .get(1)
                .map(|notice| body(notice)["data"]["code"].clone())
        };
        assert_eq!(
            told_of("ACTIVE", "CANCELED"),
            Some("SUBSCRIPTION_CANCELED".into())
        );
        assert_eq!(told_of("ACTIVE", "ACTIVE"), None, "an earlier cycle's");
        assert_eq!(told_of("CANCELED", "CANCELED"), None, "it was told");
        assert_eq!(told_of("EXPIRED", "EXPIRED"), None);
    }

    #[test]
    fn a_card_is_told_by_its_key() {
        let id = BillingKeyId::new(RawId::from_parts(2, 4));
        let issued = Kind::Card(CardDeed::Issued);
        let event = event(Subject::BillingKey(id), 1, issued);
        let messages = told(&event).unwrap();
        assert_eq!(messages[0].key, Some(id.to_string().into_bytes()));
        let said = body(&messages[0]);
        assert_eq!(said["data"]["billingKeyId"], id.to_string());
        assert_eq!(said["data"].get("subscriptionId"), None);
    }
}
