//! Owns the gateway behaviours that nobody has published, and what is taken for them.

use chrono::TimeDelta;

use super::{
    CancelSign, CardDiscount, Decline, ErrorData, FailedCharge, OldConfirm, OrderIdCharacters,
    Padding, PaymentOfOrder, PaymentType, RangeEnd, RefundBegins, RefundableAmount, RepeatedTid,
    SecondApproval, Secret, SecurityKeyForm, ServerErrors, Settlements, TaxFreeMismatch,
    TemporaryError, TooManyRequests, Typing, WebhookSuccess, WebhookTargets,
};

/// The behaviours that are undocumented, or on which sources disagree; the defaults are the best
/// supported reading. [`Settings::set`] reaches each by its name.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Answer to a confirm whose amount is not the authenticated one.
    pub wrong_amount_code: &'static str,
    /// Answer to a confirm whose order id is not the authenticated one.
    pub wrong_order_code: &'static str,
    /// Answer to a confirm of a payment key that does not exist.
    pub unknown_payment_key_code: &'static str,
    /// Answer to a cancel of what was never paid.
    pub unpaid_cancel_code: &'static str,
    /// Answer to a `startingAfter` that no transaction has.
    pub unknown_paging_key_code: &'static str,
    /// Status of `UNAUTHORIZED_KEY`.
    pub unauthorized_key_status: u16,
    /// Status of `INCORRECT_BASIC_AUTH_FORMAT`.
    pub basic_auth_format_status: u16,
    /// Status of `FORBIDDEN_CONSECUTIVE_REQUEST`.
    pub consecutive_request_status: u16,
    /// Whether an unauthorised call's error object has a null `data`.
    pub error_data: ErrorData,
    /// How many calls of each kind a minute may have; 0 is no limit.
    pub requests_per_minute: i64,
    /// What a 429 carries.
    pub too_many_requests: TooManyRequests,
    /// Whether Basic credentials may come without padding.
    pub padding: Padding,
    /// Which further characters an order id may have.
    pub order_id_characters: OrderIdCharacters,
    /// Which payment an order id stands for.
    pub payment_of_order: PaymentOfOrder,
    /// Whether the confirm of before October 2022 is still there.
    pub old_confirm: OldConfirm,
    /// Whether an order id that was approved may be approved again with another payment key.
    pub second_approval: SecondApproval,
    /// What a refusal for good at confirm does to the payment.
    pub decline: Decline,
    /// What a temporary error at confirm does to the payment.
    pub temporary_error: TemporaryError,
    /// Whether 5xx answers are kept under their idempotency key.
    pub server_errors: ServerErrors,
    /// Whether payments carry a `secret` (they do since 2025, did not before).
    pub secret: Secret,
    /// Whether strings are taken for numbers and numbers for strings, as the real server does.
    pub typing: Typing,
    /// Whether the balance a cancel names is compared.
    pub refundable_amount: RefundableAmount,
    /// What happens when a cancel's tax-free part does not fit.
    pub tax_free_mismatch: TaxFreeMismatch,
    /// Whether cancels show `cardDiscountAmount`.
    pub card_discount: CardDiscount,
    /// Whether the success address gets a `paymentType`.
    pub payment_type: PaymentType,
    /// The `version` payments carry.
    pub api_version: &'static str,
    /// How long an opened window waits for authentication.
    pub window: TimeDelta,
    /// How long an authenticated payment waits for its confirm.
    pub confirmation: TimeDelta,
    /// How long an idempotency key is remembered after its first use.
    pub idempotency: TimeDelta,
    /// The smallest amount a card takes, in won.
    pub card_amount_min: i64,
    /// How many days after its approval a card payment can be given back; 0 is no limit.
    pub card_refund_days: i64,
    /// The sign of amounts of cancel rows in `GET /v1/transactions`.
    pub cancel_sign: CancelSign,
    /// Whether `endDate` of `GET /v1/transactions` still belongs to the range.
    pub range_end: RangeEnd,
    /// Whether settlements are shown at all: the real test environment has none.
    pub settlements: Settlements,
    /// The most rows a page of settlements may have.
    pub settlement_rows_max: i64,
    /// How long after a movement its `soldDate` is.
    pub sold_after: TimeDelta,
    /// How long after its `soldDate` a movement is paid out.
    pub paid_out_after: TimeDelta,
    /// The merchant's fee without value added tax, in thousandths of the amount.
    pub fee_per_mille: i64,
    /// What the card company does when a `tid` comes again.
    pub repeated_tid: RepeatedTid,
    /// How long a buyer's consent waits to become a billing key.
    pub auth_key: TimeDelta,
    /// Answer to an `authKey` that is unknown, spent or too old.
    pub unusable_auth_key_code: &'static str,
    /// Answer to an `authKey` of another customer.
    pub auth_key_customer_code: &'static str,
    /// Answer to a charge of a billing key that was never issued.
    pub unknown_billing_key_code: &'static str,
    /// Answer to deleting a billing key that does not exist, or no more.
    pub deleted_billing_key_code: &'static str,
    /// What a charge that the institution refuses leaves behind.
    pub failed_charge: FailedCharge,
    /// Answer to a cancel of a deposited virtual account that names no account to give it back to.
    pub missing_refund_account_code: &'static str,
    /// What `refundStatus` is right after a deposit was given back.
    pub refund_begins: RefundBegins,
    /// How long a deposit that is given back takes to reach the buyer.
    pub refund: TimeDelta,
    /// Where webhooks may go.
    pub webhook_targets: WebhookTargets,
    /// Which answers to a webhook are a success.
    pub webhook_success: WebhookSuccess,
    /// How many real seconds an address has to answer a webhook.
    pub webhook_timeout_seconds: i64,
    /// How long a minute between two tries of a webhook is, in milliseconds of the sandbox's clock.
    pub webhook_minute_milliseconds: i64,
    /// Which bytes of a security key sign.
    pub security_key_form: SecurityKeyForm,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            wrong_amount_code: "FORBIDDEN_REQUEST",
            wrong_order_code: "FORBIDDEN_REQUEST",
            unknown_payment_key_code: "NOT_FOUND_PAYMENT_SESSION",
            unpaid_cancel_code: "NOT_CANCELABLE_PAYMENT",
            unknown_paging_key_code: "INVALID_PAGING_KEY",
            unauthorized_key_status: 401,
            basic_auth_format_status: 403,
            consecutive_request_status: 403,
            error_data: ErrorData::OnUnauthorized,
            requests_per_minute: 0,
            too_many_requests: TooManyRequests::Code,
            padding: Padding::Optional,
            order_id_characters: OrderIdCharacters::Equals,
            payment_of_order: PaymentOfOrder::NewestApproved,
            old_confirm: OldConfirm::Absent,
            second_approval: SecondApproval::Allowed,
            decline: Decline::Aborts,
            temporary_error: TemporaryError::KeepsInProgress,
            server_errors: ServerErrors::Stored,
            secret: Secret::Sent,
            typing: Typing::Lenient,
            refundable_amount: RefundableAmount::Checked,
            tax_free_mismatch: TaxFreeMismatch::Refused,
            card_discount: CardDiscount::Sent,
            payment_type: PaymentType::Sent,
            api_version: "2022-11-16",
            window: TimeDelta::minutes(30),
            confirmation: TimeDelta::minutes(10),
            idempotency: TimeDelta::days(15),
            card_amount_min: 100,
            card_refund_days: 0,
            cancel_sign: CancelSign::Negative,
            range_end: RangeEnd::Excluded,
            settlements: Settlements::FromLedger,
            settlement_rows_max: 5000,
            sold_after: TimeDelta::days(2),
            paid_out_after: TimeDelta::days(7),
            fee_per_mille: 30,
            repeated_tid: RepeatedTid::Replayed,
            auth_key: TimeDelta::minutes(10),
            unusable_auth_key_code: "INVALID_BILLING_AUTH",
            auth_key_customer_code: "INVALID_BILLING_AUTH",
            unknown_billing_key_code: "INVALID_BILL_KEY_REQUEST",
            deleted_billing_key_code: "NOT_FOUND_BILLING",
            failed_charge: FailedCharge::LeavesNothing,
            missing_refund_account_code: "INVALID_REFUND_ACCOUNT_INFO",
            refund_begins: RefundBegins::None,
            refund: TimeDelta::hours(48),
            webhook_targets: WebhookTargets::Loopback,
            webhook_success: WebhookSuccess::Only200,
            webhook_timeout_seconds: 10,
            webhook_minute_milliseconds: 60_000,
            security_key_form: SecurityKeyForm::Text,
        }
    }
}
