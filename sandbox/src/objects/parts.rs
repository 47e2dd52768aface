//! Owns the parts that payments, transactions and settlements show alike.

use serde::Serialize;

use crate::clock::api_date;
use crate::config::{CardDiscount, Settings};
use crate::state::payment::{Cancel, Kind, Method, Payment};

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
        receipt_key: None,
        cancel_status: "DONE",
        cancel_request_id: None,
        cancel_amount: cancel.amount,
        tax_free_amount: cancel.tax_free,
        refundable_amount: cancel.refundable,
    }
}
