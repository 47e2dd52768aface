//! Owns the parts that payments, transactions and settlements show alike.

use serde::Serialize;

use crate::clock::api_date;
use crate::config::{CardDiscount, Settings};
use crate::state::account::RefundStatus;
use crate::state::payment::{self as state, Cancel, Kind, Method, Payment};

const CASH_RECEIPTS: &str = "https://dashboard-sandbox.tosspayments.com/receipts/cash-receipt";
const RECEIPTS: &str = "https://dashboard-sandbox.tosspayments.com/receipt/redirection";

/// Whose card stands behind billing keys, and its number where no test card was typed.
pub(super) const BILLING_CARD_COMPANY: &str = "21";
pub(super) const BILLING_CARD_NUMBER: &str = "94100012****789*";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the field names are the gateway's"
)]
pub(super) struct Card<'a> {
    issuer_code: &'static str,
    acquirer_code: &'static str,
    number: &'a str,
    installment_plan_months: u32,
    is_interest_free: bool,
    interest_payer: Option<&'static str>,
    approve_no: &'static str,
    use_card_point: bool,
    card_type: &'static str,
    owner_type: &'static str,
    acquire_status: &'static str,
    amount: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Transfer {
    bank_code: &'static str,
    settlement_status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the field names are the gateway's"
)]
pub(super) struct MobilePhone {
    customer_mobile_phone: &'static str,
    settlement_status: &'static str,
    receipt_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EasyPay {
    provider: &'static str,
    amount: i64,
    discount_amount: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GiftCertificate {
    approve_no: &'static str,
    settlement_status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CashReceipt<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    receipt_key: &'a str,
    issue_number: &'a str,
    receipt_url: String,
    amount: i64,
    tax_free_amount: i64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct IssuedReceipt<'a> {
    receipt_key: &'a str,
    order_id: &'a str,
    order_name: &'a str,
    #[serde(rename = "type")]
    kind: &'a str,
    issue_number: &'a str,
    receipt_url: String,
    business_number: &'static str,
    transaction_type: &'static str,
    amount: i64,
    tax_free_amount: i64,
    issue_status: &'static str,
    failure: Option<()>,
    customer_identity_number: Option<&'a str>,
    requested_at: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct VirtualAccount<'a> {
    account_number: &'a str,
    account_type: &'static str,
    bank_code: &'a str,
    customer_name: &'a str,
    due_date: String,
    expired: bool,
    settlement_status: &'static str,
    refund_status: RefundStatus,
    refund_receive_account: Option<()>,
    depositor_name: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelObject<'a> {
    transaction_key: &'a str,
    cancel_reason: &'a str,
    tax_exemption_amount: i64,
    canceled_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_discount_amount: Option<i64>,
    transfer_discount_amount: i64,
    easy_pay_discount_amount: i64,
    receipt_key: Option<&'a str>,
    cancel_status: &'static str,
    cancel_request_id: Option<&'a str>,
    cancel_amount: i64,
    tax_free_amount: i64,
    refundable_amount: i64,
}

/// Where the buyer reads what was paid; at the real test environment it shows no real data.
pub(super) fn receipt_url(payment_key: &str) -> String {
    format!("{RECEIPTS}?transactionId={payment_key}&ref=PX")
}

/// A card, or the card registered with the easy-pay service.
pub(super) fn card<'a>(
    method: Method,
    payment: &'a Payment,
    acquire_status: &'static str,
) -> Option<Card<'a>> {
    let chosen = payment.funding.card.as_deref();
    let (company, number) = match method {
        Method::Card if payment.kind == Kind::Billing => {
            (BILLING_CARD_COMPANY, chosen.unwrap_or(BILLING_CARD_NUMBER))
        }
        Method::Card => ("41", chosen.unwrap_or("94310012****780*")),
        Method::EasyPay if payment.funding.points.is_none() => ("W1", "53176400****129*"),
        Method::EasyPay
        | Method::Transfer
        | Method::VirtualAccount
        | Method::MobilePhone
        | Method::CultureGiftCertificate
        | Method::BookGiftCertificate
        | Method::GameGiftCertificate => return None,
    };
    Some(Card {
        issuer_code: company,
        acquirer_code: company,
        number,
        installment_plan_months: 0,
        is_interest_free: false,
        interest_payer: None,
        approve_no: "00000000",
        use_card_point: false,
        card_type: "신용",
        owner_type: "개인",
        acquire_status,
        amount: payment.total,
    })
}

pub(super) fn transfer(method: Method, settlement_status: &'static str) -> Option<Transfer> {
    (method == Method::Transfer).then_some(Transfer {
        bank_code: "20",
        settlement_status,
    })
}

pub(super) fn mobile_phone(
    method: Method,
    payment_key: &str,
    settlement_status: &'static str,
) -> Option<MobilePhone> {
    let receipts = "https://dashboard-sandbox.tosspayments.com/receipt/mobilephone";
    (method == Method::MobilePhone).then(|| MobilePhone {
        customer_mobile_phone: "01000000000",
        settlement_status,
        receipt_url: format!("{receipts}?transactionId={payment_key}&ref=PX"),
    })
}

/// What the service itself paid: nothing when the registered card did.
pub(super) fn easy_pay(method: Method, payment: &Payment) -> Option<EasyPay> {
    (method == Method::EasyPay).then(|| match payment.funding.points {
        None => EasyPay {
            provider: "토스페이",
            amount: 0,
            discount_amount: 0,
        },
        Some(points) => EasyPay {
            provider: "카카오페이",
            amount: payment.total.saturating_sub(points),
            discount_amount: points,
        },
    })
}

pub(super) fn gift_certificate(
    method: Method,
    settlement_status: &'static str,
) -> Option<GiftCertificate> {
    method.is_gift_certificate().then_some(GiftCertificate {
        approve_no: "00012345",
        settlement_status,
    })
}

/// The receipt for a transfer that was made.
pub(super) fn cash_receipt<'a>(payment: &'a Payment, merchant_id: &str) -> Option<CashReceipt<'a>> {
    let asked = payment.funding.cash_receipt.as_ref()?;
    payment.was_approved().then(|| CashReceipt {
        kind: &asked.kind,
        receipt_key: &asked.receipt_key,
        issue_number: &asked.issue_number,
        receipt_url: format!("{CASH_RECEIPTS}/{}/{merchant_id}?ref=PX", payment.order_id),
        amount: payment.total,
        tax_free_amount: payment.tax_free,
    })
}

/// Every receipt for a deposit, and every one that was taken back of it.
pub(super) fn cash_receipts<'a>(
    payment: &'a Payment,
    merchant_id: &str,
) -> Option<Vec<IssuedReceipt<'a>>> {
    payment.virtual_account.as_ref()?;
    let issued = payment.funding.cash_receipt.as_ref()?;
    let at = payment.approved_at?;
    let row =
        |receipt: &'a state::CashReceipt, transaction_type, (amount, tax_free), at| IssuedReceipt {
            receipt_key: &receipt.receipt_key,
            order_id: &payment.order_id,
            order_name: &payment.order_name,
            kind: &receipt.kind,
            issue_number: &receipt.issue_number,
            receipt_url: format!("{CASH_RECEIPTS}/{}/{merchant_id}?ref=PX", payment.order_id),
            business_number: "1234567890",
            transaction_type,
            amount,
            tax_free_amount: tax_free,
            issue_status: "IN_PROGRESS",
            failure: None,
            customer_identity_number: receipt.identity.as_deref(),
            requested_at: api_date(at),
        };
    let canceled = payment.cancels.iter().filter_map(|cancel| {
        let receipt = cancel.receipt.as_ref()?;
        Some(row(
            receipt,
            "CANCEL",
            (cancel.amount, cancel.tax_free),
            cancel.at,
        ))
    });
    let back: i64 = payment.cancels.iter().map(|cancel| cancel.tax_free).sum();
    let tax_free = payment.tax_free.saturating_add(back);
    let first = row(issued, "CONFIRM", (payment.total, tax_free), at);
    Some(std::iter::once(first).chain(canceled).collect())
}

/// Where the buyer pays in, once the account is there.
pub(super) fn virtual_account<'a>(
    payment: &'a Payment,
    settlement_status: &'static str,
) -> Option<VirtualAccount<'a>> {
    let account = payment.virtual_account.as_ref()?;
    Some(VirtualAccount {
        account_number: &account.number,
        account_type: "일반",
        bank_code: &account.bank_code,
        customer_name: &account.customer_name,
        due_date: api_date(account.due_at),
        expired: account.expired,
        settlement_status,
        refund_status: account.refund,
        refund_receive_account: None,
        depositor_name: account.depositor.as_deref(),
    })
}

pub(super) fn cancel<'a>(cancel: &'a Cancel, settings: &Settings) -> CancelObject<'a> {
    CancelObject {
        transaction_key: &cancel.transaction_key,
        cancel_reason: &cancel.reason,
        tax_exemption_amount: 0,
        canceled_at: api_date(cancel.at),
        card_discount_amount: match settings.card_discount {
            CardDiscount::Sent => Some(0),
            CardDiscount::Omitted => None,
        },
        transfer_discount_amount: 0,
        easy_pay_discount_amount: 0,
        receipt_key: cancel
            .receipt
            .as_ref()
            .map(|receipt| receipt.receipt_key.as_str()),
        cancel_status: "DONE",
        cancel_request_id: None,
        cancel_amount: cancel.amount,
        tax_free_amount: cancel.tax_free,
        refundable_amount: cancel.refundable,
    }
}
