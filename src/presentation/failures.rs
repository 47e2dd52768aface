//! Owns the map from the application's refusals to codes: exhaustive, so none is forgotten.

use std::time::Duration;

use application::events::{EventsError, FollowError};
use application::ports::gateway::Refused;
use application::ports::identity::TokenError;
use application::ports::{store, vault};
use application::webhooks::EndpointError;
use application::{
    AccessError, ActError, ApiKeyError, ChallengeError, IsPaused, KeyError, PrepareError,
    ProofError, ReadError, SwitchError,
};
use axum::http::HeaderValue;
use axum::http::header::WWW_AUTHENTICATE;
use domain::payment::{ApproveRefusal, CancelRefusal};
use domain::text;
use serde_json::json;

use super::catalogue::Code;
use super::envelope::Failure;
use super::feed::text_of;

/// When to come back after a refusal that says nothing better.
pub(super) const SOON: Duration = Duration::from_secs(1);

/// When to come back where as many streams are open as may be: some end every few seconds.
const STREAMS: Duration = Duration::from_secs(15);

/// When to come back after an operation that somebody paused: a person has to let it go on.
const PAUSED: Duration = Duration::from_secs(30);

impl From<SwitchError> for Failure {
    fn from(error: SwitchError) -> Self {
        match error {
            SwitchError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            SwitchError::Store(error) => error.into(),
        }
    }
}

impl From<EventsError> for Failure {
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::CursorExpired => Code::CursorExpired.into(),
            EventsError::Unreadable { event, next } => Self::from(Code::EventUnreadable)
                .data(json!({ "event": event, "nextAfter": text_of(next) }))
                .retry_after(SOON),
            EventsError::Store(error) => error.into(),
        }
    }
}

impl From<FollowError> for Failure {
    fn from(error: FollowError) -> Self {
        match error {
            FollowError::Read(error) => error.into(),
            FollowError::TooMany => Self::from(Code::StreamLimit).retry_after(STREAMS),
            FollowError::Full => Self::from(Code::Overloaded).retry_after(STREAMS),
            FollowError::Stopping => Self::from(Code::ShuttingDown).retry_after(SOON),
        }
    }
}

impl From<store::Error> for Failure {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Unavailable(why) => {
                tracing::warn!(why, "store unavailable");
                Self::from(Code::StoreUnavailable).retry_after(SOON)
            }
            store::Error::Corrupt { .. } | store::Error::Broken(_) => Self::internal(&error),
        }
    }
}

impl From<store::CommitError> for Failure {
    fn from(error: store::CommitError) -> Self {
        match error {
            store::CommitError::Conflict => Self::from(Code::TooManyConflicts).retry_after(SOON),
            store::CommitError::InDoubt => Self::from(Code::StoreUnavailable).retry_after(SOON),
            store::CommitError::Store(error) => error.into(),
        }
    }
}

impl From<AccessError> for Failure {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::UnknownKey => unauthorized(Code::ApiKeyUnknown),
            AccessError::EndedKey => unauthorized(Code::ApiKeyExpired),
            AccessError::Suspended => Self::from(Code::MerchantSuspended),
            AccessError::Token(error) => error.into(),
            AccessError::Store(error) => error.into(),
        }
    }
}

impl From<ApiKeyError> for Failure {
    fn from(error: ApiKeyError) -> Self {
        match error {
            ApiKeyError::NotFound => Self::from(Code::ApiKeyNotFound),
            ApiKeyError::Ending => Self::from(Code::ApiKeyEnding),
            ApiKeyError::Last => Self::from(Code::ApiKeyLast),
            ApiKeyError::TooMany => Self::from(Code::ApiKeyLimit),
            ApiKeyError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            ApiKeyError::Store(error) => error.into(),
        }
    }
}

impl From<EndpointError> for Failure {
    fn from(error: EndpointError) -> Self {
        match error {
            EndpointError::NotFound => Code::WebhookEndpointNotFound.into(),
            EndpointError::NotSent => Code::WebhookDeliveryNotFound.into(),
            EndpointError::Address(_) => Self::field("url", Code::WebhookUrlRefused),
            EndpointError::TooMany => Code::WebhookEndpointLimit.into(),
            EndpointError::TooManySecrets => Code::WebhookSecretLimit.into(),
            EndpointError::NotEnabled => Code::WebhookEndpointDisabled.into(),
            EndpointError::CursorExpired => Code::CursorExpired.into(),
            EndpointError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            EndpointError::Vault(vault::Error::Store(error)) | EndpointError::Store(error) => {
                error.into()
            }
            EndpointError::Vault(error) => Self::internal(&error),
        }
    }
}

impl From<TokenError> for Failure {
    fn from(error: TokenError) -> Self {
        let (code, challenge) = match error {
            TokenError::Expired => (
                Code::TokenExpired,
                r#"Bearer realm="payflow", error="invalid_token", error_description="expired""#,
            ),
            // What is wrong with it would help nobody but whoever made it up.
            TokenError::Invalid(_) => (
                Code::TokenInvalid,
                r#"Bearer realm="payflow", error="invalid_token""#,
            ),
            TokenError::Unavailable => {
                return Self::from(Code::IdentityUnavailable).retry_after(SOON);
            }
        };
        Self::from(code).header(WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }
}

/// A 401, with the challenge it must carry.
pub(super) fn unauthorized(code: Code) -> Failure {
    let challenge = HeaderValue::from_static(r#"Basic realm="payflow", charset="UTF-8""#);
    Failure::from(code).header(WWW_AUTHENTICATE, challenge)
}

impl From<ChallengeError> for Failure {
    fn from(error: ChallengeError) -> Self {
        match error {
            ChallengeError::NotFound => Self::from(Code::PaymentNotFound),
            ChallengeError::Commit(error) => error.into(),
            ChallengeError::Store(error) => error.into(),
        }
    }
}

impl From<ProofError> for Failure {
    fn from(error: ProofError) -> Self {
        match error {
            ProofError::Required { action, payment } => {
                unproven(Code::StepUpRequired).data(json!({
                    "action": action.as_str(),
                    "challengeAt": format!("/api/v1/payments/{payment}/step-up"),
                }))
            }
            // What does not fit would help nobody but whoever made it up.
            ProofError::Invalid(_) => unproven(Code::StepUpProofInvalid),
            ProofError::Expired => unproven(Code::StepUpProofExpired),
            ProofError::Spent => unproven(Code::StepUpProofSpent),
            ProofError::Unavailable => Self::from(Code::IdentityUnavailable).retry_after(SOON),
            ProofError::Store(error) => error.into(),
        }
    }
}

/// A 401 that a fresh authentication mends, with the challenge of RFC 9470: none that was before
/// will do.
fn unproven(code: Code) -> Failure {
    let challenge = HeaderValue::from_static(
        r#"Bearer realm="payflow", error="insufficient_user_authentication", max_age="0""#,
    );
    Failure::from(code).header(WWW_AUTHENTICATE, challenge)
}

impl From<KeyError> for Failure {
    fn from(error: KeyError) -> Self {
        match error {
            KeyError::Reused => Self::from(Code::IdempotencyKeyReused),
            KeyError::Running { retry_after } => {
                Self::from(Code::IdempotencyKeyInProgress).retry_after(retry_after)
            }
            KeyError::NotIssued => Self::from(Code::IdempotencyKeyNotIssued),
            KeyError::Unreadable(error) => Self::internal(&error),
            KeyError::Store(error) => error.into(),
        }
    }
}

impl From<Refused> for Failure {
    fn from(error: Refused) -> Self {
        match error {
            Refused::BreakerOpen { retry_after } => {
                Self::from(Code::GatewayUnavailable).retry_after(retry_after)
            }
            Refused::BulkheadFull => Self::from(Code::GatewayBusy).retry_after(SOON),
        }
    }
}

impl From<ApproveRefusal> for Failure {
    fn from(refusal: ApproveRefusal) -> Self {
        match refusal {
            ApproveRefusal::OrderMismatch => Self::from(Code::GatewayOrderMismatch),
            ApproveRefusal::AmountMismatch => Self::from(Code::AmountMismatch),
            ApproveRefusal::InFlight { saga } => {
                Self::from(Code::PaymentInProgress).data(json!({ "sagaId": saga }))
            }
            ApproveRefusal::AlreadyApproved => Self::from(Code::PaymentAlreadyApproved),
            ApproveRefusal::Closed(status) => {
                Self::from(Code::PaymentClosed).data(json!({ "status": status }))
            }
            ApproveRefusal::Expired => Self::from(Code::PaymentExpired),
            ApproveRefusal::NoCustomer => Self::field("customerName", Code::FieldRequired),
            ApproveRefusal::DueDate => Self::field("dueAt", Code::FieldRange),
            ApproveRefusal::KeySpent => Self::from(Code::PaymentKeySpent),
            ApproveRefusal::KeyNotOrder => Self::field("paymentKey", Code::PaymentKeyNotOrder),
            ApproveRefusal::WrongKind => Self::from(Code::PaymentKindMismatch),
        }
    }
}

impl From<CancelRefusal> for Failure {
    fn from(refusal: CancelRefusal) -> Self {
        match refusal {
            CancelRefusal::InFlight { saga } => Self::from(Code::PaymentInProgress)
                .data(json!({ "sagaId": saga }))
                .retry_after(SOON),
            CancelRefusal::NothingLeft(status) => {
                Self::from(Code::PaymentNotCancelable).data(json!({ "status": status }))
            }
            CancelRefusal::OverBalance { left } => {
                Self::from(Code::CancelOverBalance).data(json!({ "balanceAmount": left.minor() }))
            }
            CancelRefusal::TaxFreeMismatch { left } => Self::from(Code::CancelTaxFreeMismatch)
                .data(json!({ "taxFreeBalanceAmount": left.minor() })),
            CancelRefusal::PartOfUnpaid => Self::from(Code::CancelPartOfUnpaid),
            CancelRefusal::NoRefundAccount => Self::from(Code::RefundAccountRequired),
            CancelRefusal::RefundAccountUnwanted => Self::from(Code::RefundAccountNotTaken),
        }
    }
}

impl<R: Into<Failure>> From<ActError<R>> for Failure {
    fn from(error: ActError<R>) -> Self {
        match error {
            ActError::NotFound => Code::PaymentNotFound.into(),
            ActError::Refused(refusal) => refusal.into(),
            ActError::Gateway(refused) => refused.into(),
            ActError::NoGateway => Code::GatewayNotConfigured.into(),
            ActError::CannotGiveBack => Code::GatewayCannotCancel.into(),
            ActError::Paused(IsPaused(operation)) => Self::from(Code::OperationPaused)
                .data(json!({ "operation": operation.as_str() }))
                .retry_after(PAUSED),
            ActError::AccountDisabled => Code::GatewayAccountDisabled.into(),
            ActError::Proof(error) => error.into(),
            ActError::Key(error) => error.into(),
            ActError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            ActError::Stopping => Self::from(Code::ShuttingDown).retry_after(SOON),
            ActError::Store(error) => error.into(),
        }
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::OrderTaken { payment } => {
                Self::from(Code::OrderTaken).data(json!({ "paymentId": payment }))
            }
            PrepareError::TaxFreeOverAmount => {
                Self::field("taxFreeAmount", Code::TaxFreeOverAmount)
            }
            PrepareError::CurrencyDisabled => Self::field("currency", Code::CurrencyDisabled),
            PrepareError::ZeroAmount => Self::field("amount", Code::AmountZero),
            PrepareError::NoGateway => Self::from(Code::GatewayNotConfigured),
            PrepareError::AccountDisabled => Self::from(Code::GatewayAccountDisabled),
            PrepareError::NotTaken => Self::from(Code::MethodNotTaken),
            PrepareError::NotFound => Self::from(Code::PaymentNotFound),
            PrepareError::Refused(refusal) => refusal.into(),
            PrepareError::Key(error) => error.into(),
            PrepareError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            PrepareError::Store(error) => error.into(),
        }
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::AnotherMember => Self::field("memberId", Code::MemberMismatch),
            ReadError::NotFound => Self::from(Code::PaymentNotFound),
            ReadError::Store(error) => error.into(),
        }
    }
}

/// The code of a text that a field does not take.
impl From<text::Error> for Code {
    fn from(error: text::Error) -> Self {
        match error {
            text::Error::Length => Self::FieldLength,
            text::Error::Character => Self::FieldCharacter,
            text::Error::CardNumber => Self::CardNumberRefused,
        }
    }
}

impl From<domain::money::Error> for Code {
    fn from(error: domain::money::Error) -> Self {
        match error {
            domain::money::Error::Negative => Self::AmountNegative,
            domain::money::Error::OverLimit => Self::AmountOverLimit,
            domain::money::Error::CurrencyMismatch | domain::money::Error::UnknownCurrency => {
                Self::CurrencyUnknown
            }
        }
    }
}

impl From<domain::id::Malformed> for Code {
    fn from(_: domain::id::Malformed) -> Self {
        Self::IdMalformed
    }
}

impl From<domain::webhook::Malformed> for Code {
    fn from(_: domain::webhook::Malformed) -> Self {
        Self::IdMalformed
    }
}

impl From<domain::principal::UnknownWord> for Code {
    fn from(_: domain::principal::UnknownWord) -> Self {
        Self::FieldWord
    }
}
