//! Owns what members are told: which events they hear of, under which code, and what is said.

use domain::event::Kind;
use domain::subscription::CycleKey;
use domain::text::MemberId;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::envelope::{Envelope, Worded};
use crate::ports::bus::{Message, Topic};

/// What a member is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// The payment was made.
    Approved,
    /// The payment was not made.
    Failed,
    /// A card can be charged from now on.
    BillingKeyIssued,
    /// A card is gone.
    BillingKeyDeleted,
    /// Somebody subscribed.
    SubscriptionCreated,
    /// A cycle of a subscription was paid.
    AutoBillingApproved,
    /// It was not, and is tried again, or waits for another card.
    AutoBillingDeclined,
    /// A subscription has ended, since nobody paid for it.
    AutoBillingFailed,
    /// A subscription is charged with another card from now on.
    SubscriptionCardChanged,
    /// A subscription will run out.
    SubscriptionCancelScheduled,
    /// A subscription has ended, since somebody wanted it to.
    SubscriptionCanceled,
    /// A subscription has run out.
    SubscriptionExpired,
    /// A virtual account waits for the deposit.
    DepositRequested,
    /// The deposit is there.
    Deposited,
    /// Money is to be given back.
    CancelRequested,
    /// Money was given back, or nothing is to be paid any more.
    Cancelled,
}

impl Code {
    /// The word that a notification service knows it by.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Approved => "APPROVED",
            Self::Failed => "FAILED",
            Self::BillingKeyIssued => "BILLING_KEY_ISSUED",
            Self::BillingKeyDeleted => "BILLING_KEY_DELETED",
            Self::SubscriptionCreated => "SUBSCRIPTION_CREATED",
            Self::AutoBillingApproved => "AUTO_BILLING_APPROVED",
            Self::AutoBillingDeclined => "AUTO_BILLING_DECLINED",
            Self::AutoBillingFailed => "AUTO_BILLING_FAILED",
            Self::SubscriptionCardChanged => "SUBSCRIPTION_CARD_CHANGED",
            Self::SubscriptionCancelScheduled => "SUBSCRIPTION_CANCEL_SCHEDULED",
            Self::SubscriptionCanceled => "SUBSCRIPTION_CANCELED",
            Self::SubscriptionExpired => "SUBSCRIPTION_EXPIRED",
            Self::DepositRequested => "DEPOSIT_REQUESTED",
            Self::Deposited => "DEPOSITED",
            Self::CancelRequested => "CANCEL_REQUESTED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// What the member is told when this happens to a payment, if anything.
    #[must_use]
    pub const fn of(kind: Kind) -> Option<Self> {
        match kind {
            Kind::Approved => Some(Self::Approved),
            Kind::Declined | Kind::Aborted => Some(Self::Failed),
            // Whoever paid in has to pay in again.
            Kind::AccountIssued | Kind::DepositReversed => Some(Self::DepositRequested),
            Kind::Deposited => Some(Self::Deposited),
            Kind::CancelRequested => Some(Self::CancelRequested),
            Kind::PartiallyCanceled | Kind::Canceled | Kind::Withdrawn => Some(Self::Cancelled),
            Kind::Prepared
            | Kind::WindowReopened
            | Kind::ApprovalRequested
            | Kind::ChargeRequested
            // The subscription's own event tells.
            | Kind::BillingFailed
            | Kind::AccountRequested
            | Kind::TaxFreeDiffers
            | Kind::Expired
            | Kind::WrongCaptureFound
            | Kind::WrongCaptureReversed
            | Kind::RefundCompleted
            | Kind::RefundFailed
            | Kind::CancelRefused => None,
        }
    }
}

/// What is said.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data<'e> {
    code: &'static str,
    member_id: &'e str,
    payment_id: &'e str,
    merchant_id: &'e str,
    mode: &'static str,
    status: &'static str,
    payload: &'e RawValue,
}

/// What of a payload says which order it is about.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ordered {
    order_id: String,
}

/// Whether the payment is that of a subscription's cycle.
fn is_of_a_cycle(payload: &[u8]) -> Result<bool, serde_json::Error> {
    // As payloads begin: of nearly all of them no more is looked at.
    if !payload.starts_with(br#"{"orderId":"sub_"#) {
        return Ok(false);
    }
    let ordered: Ordered = serde_json::from_slice(payload)?;
    Ok(CycleKey::of_order(&ordered.order_id).is_some())
}

/// What is published for the member's sake; nothing where nobody is to be told, or the payment is
/// nobody's.
pub(super) fn told(
    worded: &Worded<'_>,
    member: Option<&MemberId>,
) -> Result<Option<Message>, serde_json::Error> {
    let event = worded.event;
    let (Some(code), Some(member)) = (Code::of(event.kind), member) else {
        return Ok(None);
    };
    // What became of a cycle its subscription tells, once.
    if matches!(code, Code::Approved | Code::Failed) && is_of_a_cycle(&event.payload)? {
        return Ok(None);
    }
    let data = Data {
        code: code.as_str(),
        member_id: member.as_str(),
        payment_id: &worded.payment,
        merchant_id: &worded.merchant,
        mode: event.scope.mode.as_str(),
        status: event.to.as_str(),
        payload: serde_json::from_slice(&event.payload)?,
    };
    // Ids are unique per source: the event is said there under its own already.
    let id = format!("{}/notification", worded.id());
    let envelope = Envelope::around(worded, id, Topic::Notifications.as_str(), data);
    let message = envelope.into_message(Topic::Notifications, member.as_str())?;
    Ok(Some(message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::envelope::tests::event;
    use domain::id::{RawId, SubscriptionId};
    use serde_json::Value;

    #[test]
    fn every_end_of_an_attempt_is_told_and_nothing_internal() {
        let told: Vec<&str> = Kind::ALL
            .iter()
            .filter_map(|kind| Code::of(*kind).map(|_| kind.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                "payment.account_issued",
                "payment.deposited",
                "payment.deposit_reversed",
                "payment.approved",
                "payment.declined",
                "payment.aborted",
                "payment.cancel_requested",
                "payment.withdrawn",
                "payment.partially_canceled",
                "payment.canceled",
            ]
        );
    }

    #[test]
    fn a_notification_is_keyed_by_its_member() {
        let event = event(3, 4, Kind::Approved);
        let member: MemberId = "member-7".parse().unwrap();
        let message = told(&Worded::new(&event), Some(&member)).unwrap().unwrap();
        assert_eq!(message.topic, Topic::Notifications);
        assert_eq!(message.key.as_deref(), Some(b"member-7".as_slice()));
        let body: Value = serde_json::from_slice(&message.payload).unwrap();
        assert_eq!(body["type"], "payment.notification.requested");
        assert_eq!(body["data"]["code"], "APPROVED");
        assert_eq!(body["data"]["memberId"], "member-7");
        assert_eq!(body["data"]["payload"]["orderId"], "o-1");
        assert_ne!(body["id"], format!("{}/4", event.payment));
    }

    #[test]
    fn what_became_of_a_cycle_is_told_by_its_subscription() {
        let member: MemberId = "member-7".parse().unwrap();
        let subscription = SubscriptionId::new(RawId::from_parts(1, 2));
        let codes = |kind: Kind, order: &str| {
            let mut event = event(3, 4, kind);
            event.payload = format!(r#"{{"orderId":"{order}","amount":1}}"#).into_bytes();
            let told = told(&Worded::new(&event), Some(&member)).unwrap();
            told.is_some()
        };
        let cycle = format!("{subscription}-12");
        for kind in [Kind::Approved, Kind::Declined, Kind::Aborted] {
            assert!(!codes(kind, &cycle), "{kind}");
            assert!(!codes(kind, &format!("{cycle}-r2")), "{kind}");
            assert!(codes(kind, "sub_of-the-month-12"), "{kind}");
        }
        assert!(
            codes(Kind::Canceled, &cycle),
            "money that went back is told"
        );
    }

    #[test]
    fn nobody_is_told_of_what_is_nobodys() {
        assert_eq!(
            told(&Worded::new(&event(3, 4, Kind::Approved)), None).unwrap(),
            None
        );
        let member: MemberId = "member-7".parse().unwrap();
        let internal = event(3, 1, Kind::Prepared);
        assert_eq!(told(&Worded::new(&internal), Some(&member)).unwrap(), None);
    }
}
