//! Owns the map from refusals about subscriptions to codes: exhaustive.

use application::subscriptions::{CardError, EndRefusal, SubscribeRefusal, SubscriptionError};
use domain::merchant::UnknownZone;
use domain::subscription::{CancelRefusal, Refusal, Status};
use serde_json::json;

use crate::presentation::billing::unusable;
use crate::presentation::catalogue::Code;
use crate::presentation::envelope::Failure;
use crate::presentation::failures::SOON;

fn closed(status: Status) -> Failure {
    Failure::from(Code::SubscriptionClosed).data(json!({ "status": status.as_str() }))
}

impl From<SubscribeRefusal> for Failure {
    fn from(refusal: SubscribeRefusal) -> Self {
        match refusal {
            SubscribeRefusal::NoPlan | SubscribeRefusal::Wish(Refusal::NotOffered) => {
                Code::PlanNotFound.into()
            }
            SubscribeRefusal::Wish(Refusal::AnchorPast | Refusal::AnchorFar) => {
                Self::field("firstChargeAt", Code::FieldRange)
            }
            SubscribeRefusal::NoCard => Code::BillingKeyNotFound.into(),
            SubscribeRefusal::CardUnusable(status) => unusable(status),
            SubscribeRefusal::Charge(refusal) => refusal.into(),
        }
    }
}

impl From<EndRefusal> for Failure {
    fn from(refusal: EndRefusal) -> Self {
        match refusal {
            EndRefusal::NotFound => Code::SubscriptionNotFound.into(),
            EndRefusal::Subscription(CancelRefusal::ChargeUnresolved(payment)) => {
                Self::from(Code::SubscriptionCharging)
                    .data(json!({ "paymentId": payment }))
                    .retry_after(SOON)
            }
            EndRefusal::Subscription(CancelRefusal::Scheduled) => closed(Status::CancelScheduled),
            EndRefusal::Subscription(CancelRefusal::Ended(status)) => closed(status),
            EndRefusal::Subscription(CancelRefusal::Illegal(why)) => Self::internal(&why),
            EndRefusal::Payment(refusal) => refusal.into(),
            EndRefusal::Moved => Self::from(Code::TooManyConflicts).retry_after(SOON),
        }
    }
}

impl From<CardError> for Failure {
    fn from(error: CardError) -> Self {
        match error {
            CardError::NotFound => Code::SubscriptionNotFound.into(),
            CardError::NoCard => Code::BillingKeyNotFound.into(),
            CardError::CardUnusable(status) => unusable(status),
            CardError::Ended(status) => closed(status),
            CardError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            CardError::Stopping => Self::from(Code::ShuttingDown).retry_after(SOON),
            CardError::Store(error) => error.into(),
        }
    }
}

impl From<SubscriptionError> for Failure {
    fn from(error: SubscriptionError) -> Self {
        match error {
            SubscriptionError::NotFound => Code::SubscriptionNotFound.into(),
            SubscriptionError::AnotherMember => Self::field("memberId", Code::MemberMismatch),
            SubscriptionError::Store(error) => error.into(),
        }
    }
}

/// The code of a name that no time zone has.
impl From<UnknownZone> for Code {
    fn from(_: UnknownZone) -> Self {
        Self::FieldWord
    }
}
