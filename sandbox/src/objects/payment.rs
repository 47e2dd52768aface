//! Owns the Payment object as the API shows it: every key, always, in wire order.

use serde::Serialize;
use serde_json::Value;

use super::parts::{
    CancelObject, Card, CashReceipt, EasyPay, GiftCertificate, IssuedReceipt, MobilePhone,
    Transfer, VirtualAccount, cancel, card, cash_receipt, cash_receipts, easy_pay,
    gift_certificate, mobile_phone, receipt_url, transfer, virtual_account,
};
use crate::catalogue::{Language, Refusal};
use crate::clock::api_date;
use crate::config::Config;
use crate::state::payment::{Kind, Method, Payment, Status};

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
    card: Option<Card<'a>>,
    virtual_account: Option<VirtualAccount<'a>>,
    transfer: Option<Transfer>,
    mobile_phone: Option<MobilePhone>,
    gift_certificate: Option<GiftCertificate>,
    cash_receipt: Option<CashReceipt<'a>>,
    cash_receipts: Option<Vec<IssuedReceipt<'a>>>,
    discount: Option<Value>,
    cancels: Option<Vec<CancelObject<'a>>>,
    secret: Option<&'a str>,
    #[serde(rename = "type")]
    kind: Kind,
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
struct Failure {
    code: String,
    message: String,
}

#[derive(Serialize)]
struct Link {
    url: String,
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
        card: shown
            .method
            .and_then(|method| card(method, payment, "READY")),
        virtual_account: virtual_account(payment, "INCOMPLETED"),
        transfer: shown
            .method
            .and_then(|method| transfer(method, "INCOMPLETED")),
        mobile_phone: shown
            .method
            .and_then(|method| mobile_phone(method, key, "INCOMPLETED")),
        gift_certificate: shown
            .method
            .and_then(|method| gift_certificate(method, "INCOMPLETED")),
        cash_receipt: cash_receipt(payment, &config.merchant_id),
        cash_receipts: cash_receipts(payment, &config.merchant_id),
        discount: None,
        cancels: (!payment.cancels.is_empty()).then(|| {
            let all = payment.cancels.iter();
            all.map(|made| cancel(made, &config.settings)).collect()
        }),
        secret: shown.secret,
        kind: payment.kind,
        easy_pay: shown.method.and_then(|method| easy_pay(method, payment)),
        country: "KR",
        failure: payment
            .failure_code
            .as_deref()
            .map(|code| failure(code, language)),
        is_partial_cancelable: payment.partial_cancelable,
        receipt: payment.has_receipt().then(|| Link {
            url: receipt_url(key),
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
            | Status::WaitingForDeposit
            | Status::Done
            | Status::PartialCanceled
            | Status::Canceled
            | Status::Aborted => Self {
                method: payment.method,
                secret: payment.secret.as_deref(),
            },
        }
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
