//! Owns the map from refusals about billing keys and charges to codes: exhaustive.

use application::WalletError;
use application::ports::vault;
use domain::billing::Status;
use domain::payment::ChargeRefusal;
use serde_json::json;

use crate::presentation::catalogue::Code;
use crate::presentation::envelope::Failure;
use crate::presentation::failures::SOON;

/// The key's status does not take it.
pub(in crate::presentation) fn unusable(status: Status) -> Failure {
    Failure::from(Code::BillingKeyUnusable).data(json!({ "status": status.as_str() }))
}

impl From<WalletError> for Failure {
    fn from(error: WalletError) -> Self {
        match error {
            WalletError::NotFound => Code::BillingKeyNotFound.into(),
            WalletError::InUse => Self::from(Code::BillingKeyInUse).retry_after(SOON),
            WalletError::Unfit(illegal) => unusable(illegal.0),
            WalletError::NoGateway => Code::GatewayNotConfigured.into(),
            WalletError::AccountDisabled => Code::GatewayAccountDisabled.into(),
            WalletError::Gateway(refused) => refused.into(),
            WalletError::Contended => Self::from(Code::TooManyConflicts).retry_after(SOON),
            WalletError::Stopping => Self::from(Code::ShuttingDown).retry_after(SOON),
            WalletError::Vault(vault::Error::Store(error)) | WalletError::Store(error) => {
                error.into()
            }
            WalletError::Vault(error) => Self::internal(&error),
        }
    }
}

impl From<ChargeRefusal> for Failure {
    fn from(refusal: ChargeRefusal) -> Self {
        match refusal {
            ChargeRefusal::WrongKind => Code::PaymentKindMismatch.into(),
            // Each payment has an order of its own from its first row on.
            ChargeRefusal::OrderMismatch => Self::internal(&refusal),
            ChargeRefusal::KeyMismatch => Code::BillingKeyNotFound.into(),
            ChargeRefusal::KeyUnusable(status) => unusable(status),
            ChargeRefusal::InFlight { saga } => {
                Self::from(Code::PaymentInProgress).data(json!({ "sagaId": saga }))
            }
            ChargeRefusal::AlreadyPaid => Code::PaymentAlreadyApproved.into(),
            ChargeRefusal::Closed(status) => {
                Self::from(Code::PaymentClosed).data(json!({ "status": status }))
            }
            ChargeRefusal::Expired => Code::PaymentExpired.into(),
        }
    }
}
