//! Owns the Payment object as the API shows it: every key, always, in wire order.

use serde::Serialize;
use serde_json::Value;

use crate::catalogue::{Language, Refusal};
use crate::clock::api_date;
use crate::config::Config;
use crate::state::payment::{Cancel, Method, Payment, Status};

const RECEIPTS: &str = "https://dashboard-sandbox.tosspayments.com/receipt/redirection";

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<'a> {
    m_id: &'a str,
    last_transaction_key: Option<&'a str>,
    payment_key: &'a str,
    order_id: &'a str,
    order_name: &'a str,
    tax_exemption_amount: i64,
    status: Status,
    requested_at: String,
    approved_at: Option<String>,
    use_escrow: Option<bool>,
    culture_expense: bool,
    card: Option<Card>,
    virtual_account: Option<Value>,
    transfer: Option<Transfer>,
    mobile_phone: Option<MobilePhone>,
    gift_certificate: Option<Value>,
    cash_receipt: Option<Value>,
    cash_receipts: Option<Value>,
    discount: Option<Value>,
    cancels: Option<Vec<CancelObject<'a>>>,
    secret: Option<&'a str>,
    #[serde(rename = "type")]
    kind: &'static str,
    easy_pay: Option<EasyPay>,
    country: &'static str,
    failure: Option<Failure>,
    is_partial_cancelable: bool,
    receipt: Option<Link>,
    checkout: Link,
    currency: &'static str,
    total_amount: i64,
    balance_amount: i64,
    supplied_amount: i64,
    vat: i64,
    tax_free_amount: i64,
    metadata: Option<&'a Value>,
    method: Option<&'static str>,
    version: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the field names are the gateway's"
)]
struct Card {
    issuer_code: &'static str,
    acquirer_code: &'static str,
    number: &'static str,
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
struct Transfer {
    bank_code: &'static str,
    settlement_status: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::struct_field_names,
    reason = "the field names are the gateway's"
)]
struct MobilePhone {
    customer_mobile_phone: &'static str,
    settlement_status: &'static str,
    receipt_url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EasyPay {
    provider: &'static str,
    amount: i64,
    discount_amount: i64,
}

#[derive(Serialize)]
struct Failure {
    code: String,
    message: String,
}

#[derive(Serialize)]
struct Link {
    url: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CancelObject<'a> {
    transaction_key: &'a str,
    cancel_reason: &'a str,
    tax_exemption_amount: i64,
    canceled_at: String,
    card_discount_amount: i64,
    transfer_discount_amount: i64,
    easy_pay_discount_amount: i64,
    receipt_key: Option<&'a str>,
    cancel_status: &'static str,
    cancel_request_id: Option<&'a str>,
    cancel_amount: i64,
    tax_free_amount: i64,
    refundable_amount: i64,
}

/// The payment as JSON text; `base` is where the checkout link leads.
pub(crate) fn render(payment: &Payment, config: &Config, base: &str, language: Language) -> String {
    let shown = Shown::of(payment);
    let key = payment.payment_key.as_str();
    let object = Object {
        m_id: &config.merchant_id,
        last_transaction_key: payment.last_transaction_key.as_deref(),
        payment_key: key,
        order_id: &payment.order_id,
        order_name: &payment.order_name,
        tax_exemption_amount: 0,
        status: payment.status,
        requested_at: api_date(payment.requested_at),
        approved_at: payment.approved_at.map(api_date),
        use_escrow: (payment.status != Status::Expired).then_some(false),
        culture_expense: false,
        card: shown.card(payment),
        virtual_account: None,
        transfer: (shown.method == Some(Method::Transfer)).then_some(Transfer {
            bank_code: "20",
            settlement_status: "INCOMPLETED",
        }),
        mobile_phone: (shown.method == Some(Method::MobilePhone)).then(|| mobile_phone(key)),
        gift_certificate: None,
        cash_receipt: None,
        cash_receipts: None,
        discount: None,
        cancels: (!payment.cancels.is_empty())
            .then(|| payment.cancels.iter().map(cancel_object).collect()),
        secret: shown.secret,
        kind: "NORMAL",
        easy_pay: (shown.method == Some(Method::EasyPay)).then_some(EasyPay {
            provider: "토스페이",
            amount: 0,
            discount_amount: 0,
        }),
        country: "KR",
        failure: payment
            .failure_code
            .as_deref()
            .map(|code| failure(code, language)),
        is_partial_cancelable: payment.partial_cancelable,
        receipt: payment.was_approved().then(|| Link {
            url: format!("{RECEIPTS}?transactionId={key}&ref=PX"),
        }),
        checkout: Link {
            url: format!("{base}/v1/payments/{key}/checkout"),
        },
        currency: "KRW",
        total_amount: payment.total,
        balance_amount: payment.balance,
        supplied_amount: payment.supplied(),
        vat: payment.vat(),
        tax_free_amount: payment.tax_free,
        metadata: payment.metadata.as_ref(),
        method: shown.method.map(Method::korean),
        version: config.settings.api_version,
    };
    serde_json::to_string(&object).expect("a payment serialises")
}

/// What authentication settled: hidden before it, and again once expired.
struct Shown<'a> {
    method: Option<Method>,
    secret: Option<&'a str>,
}

impl<'a> Shown<'a> {
    fn of(payment: &'a Payment) -> Self {
        match payment.status {
            Status::Ready | Status::Expired => Self {
                method: None,
                secret: None,
            },
            Status::InProgress
            | Status::Done
            | Status::PartialCanceled
            | Status::Canceled
            | Status::Aborted => Self {
                method: payment.method,
                secret: payment.secret.as_deref(),
            },
        }
    }

    /// A card, or the card registered with the easy-pay service.
    fn card(&self, payment: &Payment) -> Option<Card> {
        let (company, number) = match self.method? {
            Method::Card => ("41", "94310012****780*"),
            Method::EasyPay => ("W1", "53176400****129*"),
            Method::Transfer | Method::MobilePhone => return None,
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
            acquire_status: "READY",
            amount: payment.total,
        })
    }
}

fn mobile_phone(payment_key: &str) -> MobilePhone {
    let receipts = "https://dashboard-sandbox.tosspayments.com/receipt/mobilephone";
    MobilePhone {
        customer_mobile_phone: "01000000000",
        settlement_status: "INCOMPLETED",
        receipt_url: format!("{receipts}?transactionId={payment_key}&ref=PX"),
    }
}

/// Why a payment expired or was refused.
fn failure(code: &str, language: Language) -> Failure {
    let message = match (code, language) {
        ("EXPIRED_PAYMENT", Language::Korean) => {
            "결제가 만료되었습니다. 다시 시도해주세요.".to_owned()
        }
        ("EXPIRED_PAYMENT", Language::English) => "The payment has expired.".to_owned(),
        (_, language) => Refusal::of(code).message(language).to_owned(),
    };
    Failure {
        code: code.to_owned(),
        message,
    }
}

fn cancel_object(cancel: &Cancel) -> CancelObject<'_> {
    CancelObject {
        transaction_key: &cancel.transaction_key,
        cancel_reason: &cancel.reason,
        tax_exemption_amount: 0,
        canceled_at: api_date(cancel.at),
        card_discount_amount: 0,
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
