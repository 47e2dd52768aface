//! Owns the long lists of the table of routes: what each of them refuses, besides what follows from
//! the table's other columns.

use super::catalogue::Code;

/// Of preparing a payment.
pub(super) const PREPARE: &[Code] = &[
    Code::InvalidRequest,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyNotIssued,
    Code::IdempotencyKeyReused,
    Code::IdempotencyKeyInProgress,
    Code::OrderTaken,
    Code::GatewayNotConfigured,
    Code::GatewayAccountDisabled,
    Code::TooManyConflicts,
];

/// Of opening the payment window again.
pub(super) const CHECKOUT: &[Code] = &[
    Code::PaymentInProgress,
    Code::PaymentAlreadyApproved,
    Code::PaymentClosed,
    Code::PaymentExpired,
    Code::PaymentKindMismatch,
    Code::TooManyConflicts,
];

/// Of approving a payment.
pub(super) const APPROVE: &[Code] = &[
    Code::InvalidRequest,
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyNotIssued,
    Code::IdempotencyKeyReused,
    Code::IdempotencyKeyInProgress,
    Code::StepUpRequired,
    Code::StepUpProofInvalid,
    Code::StepUpProofExpired,
    Code::StepUpProofSpent,
    Code::DeviceIdMalformed,
    Code::GatewayOrderMismatch,
    Code::AmountMismatch,
    Code::PaymentDeclined,
    Code::PaymentInProgress,
    Code::PaymentAlreadyApproved,
    Code::PaymentClosed,
    Code::PaymentExpired,
    Code::PaymentKeySpent,
    Code::PaymentKindMismatch,
    Code::GatewayUnavailable,
    Code::GatewayBusy,
    Code::GatewayNotConfigured,
    Code::OperationPaused,
    Code::GatewayAccountDisabled,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of giving money back.
pub(super) const CANCEL: &[Code] = &[
    Code::InvalidRequest,
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyNotIssued,
    Code::IdempotencyKeyReused,
    Code::IdempotencyKeyInProgress,
    Code::StepUpRequired,
    Code::StepUpProofInvalid,
    Code::StepUpProofExpired,
    Code::StepUpProofSpent,
    Code::DeviceIdMalformed,
    Code::PaymentInProgress,
    Code::PaymentNotCancelable,
    Code::CancelOverBalance,
    Code::CancelTaxFreeMismatch,
    Code::CancelPartOfUnpaid,
    Code::RefundAccountRequired,
    Code::RefundAccountNotTaken,
    Code::CancelDeclined,
    Code::GatewayUnavailable,
    Code::GatewayBusy,
    Code::GatewayNotConfigured,
    Code::OperationPaused,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of charging a payment with a billing key.
pub(super) const CHARGE: &[Code] = &[
    Code::InvalidRequest,
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyNotIssued,
    Code::IdempotencyKeyReused,
    Code::IdempotencyKeyInProgress,
    Code::StepUpRequired,
    Code::StepUpProofInvalid,
    Code::StepUpProofExpired,
    Code::StepUpProofSpent,
    Code::DeviceIdMalformed,
    Code::BillingKeyNotFound,
    Code::BillingKeyUnusable,
    Code::PaymentDeclined,
    Code::PaymentInProgress,
    Code::PaymentAlreadyApproved,
    Code::PaymentClosed,
    Code::PaymentExpired,
    Code::PaymentKindMismatch,
    Code::GatewayUnavailable,
    Code::GatewayBusy,
    Code::GatewayNotConfigured,
    Code::OperationPaused,
    Code::GatewayAccountDisabled,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of having a virtual account issued.
pub(super) const ACCOUNT: &[Code] = &[
    Code::InvalidRequest,
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyNotIssued,
    Code::IdempotencyKeyReused,
    Code::IdempotencyKeyInProgress,
    Code::StepUpRequired,
    Code::StepUpProofInvalid,
    Code::StepUpProofExpired,
    Code::StepUpProofSpent,
    Code::DeviceIdMalformed,
    Code::PaymentDeclined,
    Code::PaymentInProgress,
    Code::PaymentAlreadyApproved,
    Code::PaymentClosed,
    Code::PaymentExpired,
    Code::PaymentKindMismatch,
    Code::GatewayUnavailable,
    Code::GatewayBusy,
    Code::GatewayNotConfigured,
    Code::OperationPaused,
    Code::GatewayAccountDisabled,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of beginning the registration of a card.
pub(super) const REGISTER: &[Code] = &[
    Code::InvalidRequest,
    Code::GatewayNotConfigured,
    Code::GatewayAccountDisabled,
    Code::TooManyConflicts,
];

/// Of having a billing key issued.
pub(super) const ISSUE: &[Code] = &[
    Code::InvalidRequest,
    Code::CustomerKeyMismatch,
    Code::BillingKeyDeclined,
    Code::BillingKeyUnusable,
    Code::GatewayUnavailable,
    Code::GatewayBusy,
    Code::GatewayNotConfigured,
    Code::GatewayAccountDisabled,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of choosing the default among billing keys.
pub(super) const PREFER: &[Code] = &[
    Code::BillingKeyUnusable,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of deleting a billing key.
pub(super) const DELETE_BILLING_KEY: &[Code] = &[
    Code::BillingKeyUnusable,
    Code::BillingKeyInUse,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of subscribing a member.
pub(super) const SUBSCRIBE: &[Code] = &[
    Code::InvalidRequest,
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyNotIssued,
    Code::IdempotencyKeyReused,
    Code::IdempotencyKeyInProgress,
    Code::PlanNotFound,
    Code::BillingKeyNotFound,
    Code::BillingKeyUnusable,
    Code::GatewayUnavailable,
    Code::GatewayBusy,
    Code::GatewayNotConfigured,
    Code::OperationPaused,
    Code::GatewayAccountDisabled,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of ending a subscription.
pub(super) const END_SUBSCRIPTION: &[Code] = &[
    Code::InvalidRequest,
    Code::IdempotencyKeyMissing,
    Code::IdempotencyKeyMalformed,
    Code::IdempotencyKeyNotIssued,
    Code::IdempotencyKeyReused,
    Code::IdempotencyKeyInProgress,
    Code::StepUpRequired,
    Code::StepUpProofInvalid,
    Code::StepUpProofExpired,
    Code::StepUpProofSpent,
    Code::DeviceIdMalformed,
    Code::SubscriptionClosed,
    Code::SubscriptionCharging,
    Code::PaymentInProgress,
    Code::PaymentNotCancelable,
    Code::CancelDeclined,
    Code::GatewayUnavailable,
    Code::GatewayBusy,
    Code::GatewayNotConfigured,
    Code::OperationPaused,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];

/// Of having a subscription paid with another card.
pub(super) const PAY_WITH: &[Code] = &[
    Code::InvalidRequest,
    Code::SubscriptionClosed,
    Code::BillingKeyNotFound,
    Code::BillingKeyUnusable,
    Code::ShuttingDown,
    Code::TooManyConflicts,
];
