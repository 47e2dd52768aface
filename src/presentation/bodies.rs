//! Owns the JSON of the API as it is documented, and shown: requests, answers, envelopes.

use application::{PaymentView, view};
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::virtual_account::VirtualAccount;

/// A success.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Success<T: ToSchema> {
    /// `OK`, or a finer code.
    #[schema(example = "OK")]
    pub code: String,
    /// For people, in Korean or English.
    #[schema(example = "정상 처리되었습니다.")]
    pub message: String,
    /// What was asked for.
    pub data: T,
    /// W3C trace id; quote it to support.
    #[schema(example = "0af7651916cd43dd8448eb211c80319c")]
    pub trace_id: String,
}

/// A failure.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failed {
    /// A stable code; each has a page.
    #[schema(example = "INVALID_REQUEST")]
    pub code: String,
    /// For people, in Korean or English.
    #[schema(example = "요청 값이 올바르지 않습니다.")]
    pub message: String,
    /// What is wrong in particular.
    pub errors: Vec<FailedField>,
    /// What helps to go on, where something does: the payment, its id, its open saga.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data: Option<Value>,
    /// W3C trace id; quote it to support.
    #[schema(example = "0af7651916cd43dd8448eb211c80319c")]
    pub trace_id: String,
}

/// One thing that is wrong.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailedField {
    /// The field, where one is at fault.
    #[schema(example = "amount")]
    pub field: Option<String>,
    /// A stable code, or the reason of a decline.
    #[schema(example = "AMOUNT_NEGATIVE")]
    pub code: String,
    /// For people.
    #[schema(example = "금액은 음수일 수 없습니다.")]
    pub message: String,
    /// The gateway's own code, for a decline.
    pub gateway_code: Option<String>,
}

/// A payment to be prepared.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PreparePayment {
    /// The merchant's order; it can have one payment.
    #[schema(
        example = "order-2026-0001",
        min_length = 6,
        max_length = 64,
        pattern = "^[A-Za-z0-9_-]+$"
    )]
    pub order_id: String,
    /// What is bought, as the buyer reads it.
    #[schema(example = "생수 외 1건", min_length = 1, max_length = 100)]
    pub order_name: String,
    /// What is to be paid, in minor units of the currency.
    #[schema(example = 15000, minimum = 1)]
    pub amount: i64,
    /// ISO 4217; KRW where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "KRW", default = "KRW")]
    pub currency: Option<String>,
    /// The part of the amount without VAT.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 0, minimum = 0, default = 0)]
    pub tax_free_amount: Option<i64>,
    /// `ONE_OFF` is paid in the payment window; `BILLING` is charged with a billing key of the
    /// member, who has to be named then; `VIRTUAL_ACCOUNT` is paid by deposit, in KRW.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "ONE_OFF",
        default = "ONE_OFF",
        pattern = "^(ONE_OFF|BILLING|VIRTUAL_ACCOUNT)$"
    )]
    pub kind: Option<String>,
    /// What the buyer pays with, where that is known: it decides which of the merchant's gateway
    /// accounts takes the payment.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(
        example = "CARD",
        pattern = "^(CARD|EASY_PAY|TRANSFER|MOBILE_PHONE|GIFT_CERTIFICATE|FOREIGN_EASY_PAY)$"
    )]
    pub method: Option<String>,
    /// Who buys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer: Option<Customer>,
    /// How long the buyer has, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 1800, minimum = 60)]
    pub expires_in_seconds: Option<u64>,
}

/// Who buys.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Customer {
    /// The name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "김토스", max_length = 100)]
    pub name: Option<String>,
    /// The merchant's id of the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "member-1", max_length = 64)]
    pub member_id: Option<String>,
}

/// What the payment window's redirect brought back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ApprovePayment {
    /// The gateway's name of the authentication: `paymentKey` of the redirect. At a gateway
    /// without a window of its own, the `gatewayOrderId` again.
    #[schema(example = "tgen_20261121a1b2c3", max_length = 200)]
    pub payment_key: String,
    /// The order id the window was opened with: `orderId` of the redirect.
    #[schema(example = "gwo_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3")]
    pub gateway_order_id: String,
    /// `amount` of the redirect; it must be the payment's.
    #[schema(example = 15000, minimum = 1)]
    pub amount: i64,
}

/// One time that money was given back.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Cancellation {
    /// The gateway's name of the movement.
    pub transaction_key: String,
    /// Given back, in minor units.
    pub amount: i64,
    /// The part of it without VAT, in minor units.
    pub tax_free_amount: i64,
    /// Why; none where others made it at the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// `USER_REQUEST`, `ADMIN_CANCEL` or `SYSTEM_ERROR`; none where others made it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "USER_REQUEST")]
    pub reason_code: Option<String>,
    /// When.
    pub canceled_at: DateTime<Utc>,
}

/// A payment.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payment {
    /// Its id.
    pub payment_id: String,
    /// The order id to open the payment window with; the newest one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_order_id: Option<String>,
    /// The gateway's client key to open the payment window with; told when one is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "test_ck_D5GePWvyJnrK0W0k6q8gLzN97Eoq")]
    pub client_key: Option<String>,
    /// The merchant's order.
    pub order_id: String,
    /// What is bought.
    pub order_name: String,
    /// The newest event's. Of two answers, or of an answer and a webhook's message, the one with
    /// the higher is the later.
    #[schema(example = 4)]
    pub sequence: i64,
    /// `READY`, `IN_PROGRESS`, `WAITING_FOR_DEPOSIT`, `DONE`, `CANCEL_REQUESTED`,
    /// `PARTIAL_CANCELED`, `CANCELED`, `ABORTED` or `EXPIRED`.
    #[schema(example = "READY")]
    pub status: String,
    /// `ONE_OFF`, `BILLING` or `VIRTUAL_ACCOUNT`.
    #[schema(example = "ONE_OFF")]
    pub kind: String,
    /// What is to be paid, in minor units.
    #[schema(example = 15000)]
    pub amount: i64,
    /// The part of it without VAT, in minor units.
    pub tax_free_amount: i64,
    /// The currency of every amount in here.
    #[schema(example = "KRW")]
    pub currency: String,
    /// Captured and not given back, in minor units.
    pub balance_amount: i64,
    /// Given back, in minor units.
    pub canceled_amount: i64,
    /// Captured, not given back and without VAT, in minor units.
    pub tax_free_balance_amount: i64,
    /// How money was given back, oldest first.
    pub cancels: Vec<Cancellation>,
    /// The authentication that paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_key: Option<String>,
    /// Card, easy pay …, as the gateway words it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Where the buyer's receipt is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_url: Option<String>,
    /// Where the buyer pays in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtual_account: Option<VirtualAccount>,
    /// Why the last attempt was declined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decline: Option<Decline>,
    /// The unresolved saga, for support.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saga_id: Option<String>,
    /// The member it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub member_id: Option<String>,
    /// The buyer's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_name: Option<String>,
    /// Since when.
    pub created_at: DateTime<Utc>,
    /// Until when it can be paid.
    pub expires_at: DateTime<Utc>,
    /// When the gateway approved it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub approved_at: Option<DateTime<Utc>>,
}

/// Why money was not taken.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decline {
    /// Our stable reason.
    #[schema(example = "INSUFFICIENT_FUNDS")]
    pub reason: String,
    /// Who can mend it: BUYER or MERCHANT.
    #[schema(example = "BUYER")]
    pub class: String,
    /// The gateway's code.
    #[schema(example = "REJECT_CARD_PAYMENT")]
    pub code: String,
    /// The gateway's words, for people; not stable.
    pub message: String,
}

/// A page of payments, newest first.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Payments {
    /// Its rows.
    pub payments: Vec<Payment>,
    /// `cursor` of the next page; none after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// What happened to a payment, in order.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Events {
    /// The events.
    pub events: Vec<Event>,
    /// `after` of the next page; none after the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_after: Option<i64>,
}

/// One line of a payment's event log.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// 1 for the first event of a payment, without gaps.
    #[schema(example = 1)]
    pub sequence: i64,
    /// What happened.
    #[serde(rename = "type")]
    #[schema(example = "payment.prepared")]
    pub kind: String,
    /// The status before; none for the first event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The status after.
    #[schema(example = "READY")]
    pub to: String,
    /// Who caused it: MERCHANT, BUYER, OPERATOR, SYSTEM or GATEWAY.
    #[schema(example = "MERCHANT")]
    pub actor: String,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// W3C trace id of the request that caused it.
    pub trace_id: String,
    /// When.
    pub at: DateTime<Utc>,
    /// Amounts, movement and decline, free of personal data.
    pub payload: Value,
    /// Over the previous hash and everything the event says.
    pub hash: String,
    /// The hash of the event before.
    pub previous_hash: String,
}

/// A key for one money request.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IdempotencyKey {
    /// To be sent in the `Idempotency-Key` header.
    pub idempotency_key: String,
    /// Until when its first use must come.
    pub expires_at: DateTime<Utc>,
}

impl From<PaymentView> for Payment {
    fn from(view: PaymentView) -> Self {
        Self {
            payment_id: view.payment_id,
            gateway_order_id: view.gateway_order_id,
            client_key: view.client_key,
            order_id: view.order_id,
            order_name: view.order_name,
            sequence: view.sequence,
            status: view.status,
            kind: view.kind,
            amount: view.amount,
            tax_free_amount: view.tax_free_amount,
            currency: view.currency,
            balance_amount: view.balance_amount,
            canceled_amount: view.canceled_amount,
            tax_free_balance_amount: view.tax_free_balance_amount,
            cancels: view.cancels.into_iter().map(Cancellation::from).collect(),
            payment_key: view.payment_key,
            method: view.method,
            receipt_url: view.receipt_url,
            virtual_account: view.virtual_account.map(VirtualAccount::from),
            decline: view.decline.map(Decline::from),
            saga_id: view.saga_id,
            member_id: view.member_id,
            customer_name: view.customer_name,
            created_at: view.created_at,
            expires_at: view.expires_at,
            approved_at: view.approved_at,
        }
    }
}

impl From<view::CancelView> for Cancellation {
    fn from(view: view::CancelView) -> Self {
        Self {
            transaction_key: view.transaction_key,
            amount: view.amount,
            tax_free_amount: view.tax_free_amount,
            reason: view.reason,
            reason_code: view.reason_code,
            canceled_at: view.canceled_at,
        }
    }
}

impl From<view::DeclineView> for Decline {
    fn from(view: view::DeclineView) -> Self {
        Self {
            reason: view.reason,
            class: view.class,
            code: view.code,
            message: view.message,
        }
    }
}
