//! Owns what a card company's answer means: nothing is a refusal but what is listed, and nothing an
//! approval but what names itself and contradicts nothing.

use chrono::{DateTime, SubsecRound};
use domain::Timestamp;
use domain::decline::{Class, Decline, Reason};
use domain::saga::ConfirmCall;
use domain::snapshot::{Answer, Cause, Snapshot, Status};
use domain::text::TransactionKey;
use serde::Deserialize;
use serde_json::Value;
use tracing::info;

use crate::adapters::gateway::http::Reply;

/// A slow-down longer than this is not obeyed: it would stall a saga past every window.
const RETRY_AFTER_SECONDS_MAX: u32 = 120;
/// How much of a strange word is kept.
const WORD_CHARS_MAX: usize = 100;
/// What it calls the only method it has; in the words of the other gateway.
const METHOD: &str = "카드";

/// The answer of status 200. A field that is `null` is not there.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Verdict {
    result: String,
    ref_no: Option<String>,
    auth_code: Option<String>,
    approved_at: Option<String>,
    reason: Option<String>,
    /// Not promised; where they are there they must be ours.
    tid: Option<Value>,
    amount: Option<Value>,
}

/// An error of any other status.
#[derive(Deserialize)]
struct Refusal {
    code: String,
}

/// The reasons that are refusals of the payment. Whatever else it gives as a reason may mean that
/// the `tid` was used before, and so that the money was taken.
const REASONS: [(&str, Class, Reason); 19] = [
    ("EXCEED_MAX_AMOUNT", Class::Buyer, Reason::LimitExceeded),
    ("EXCEED_MAX_AUTH_COUNT", Class::Buyer, Reason::TooManyTries),
    (
        "EXCEED_MAX_DAILY_PAYMENT_COUNT",
        Class::Buyer,
        Reason::LimitExceeded,
    ),
    (
        "EXCEED_MAX_MONTHLY_PAYMENT_AMOUNT",
        Class::Buyer,
        Reason::LimitExceeded,
    ),
    (
        "EXCEED_MAX_ONE_DAY_AMOUNT",
        Class::Buyer,
        Reason::LimitExceeded,
    ),
    (
        "EXCEED_MAX_PAYMENT_AMOUNT",
        Class::Buyer,
        Reason::LimitExceeded,
    ),
    ("FDS_ERROR", Class::Buyer, Reason::FraudSuspected),
    (
        "INVALID_CARD_EXPIRATION",
        Class::Buyer,
        Reason::WrongDetails,
    ),
    (
        "INVALID_CARD_LOST_OR_STOLEN",
        Class::Buyer,
        Reason::CardUnusable,
    ),
    ("INVALID_CARD_NUMBER", Class::Buyer, Reason::WrongDetails),
    ("INVALID_PASSWORD", Class::Buyer, Reason::WrongDetails),
    ("INVALID_REJECT_CARD", Class::Buyer, Reason::CardRefused),
    ("INVALID_STOPPED_CARD", Class::Buyer, Reason::CardUnusable),
    ("NOT_ENOUGH_AMOUNT", Class::Buyer, Reason::InsufficientFunds),
    (
        "NOT_SUPPORTED_CARD_TYPE",
        Class::Buyer,
        Reason::MethodUnsupported,
    ),
    ("REJECT_CARD_COMPANY", Class::Buyer, Reason::CardRefused),
    (
        "REJECT_CARD_PAYMENT",
        Class::Buyer,
        Reason::InsufficientFunds,
    ),
    (
        "BELOW_MINIMUM_AMOUNT",
        Class::Merchant,
        Reason::MerchantSetup,
    ),
    (
        "NOT_REGISTERED_BUSINESS",
        Class::Merchant,
        Reason::MerchantSetup,
    ),
];

/// What `reply` means as the answer to `call`.
pub(super) fn classify(call: &ConfirmCall, reply: &Reply) -> Answer {
    match reply.status {
        200 => verdict(call, reply),
        // Somebody else's call of this `tid` is running, or we are told to slow down.
        409 | 429 => Answer::Unknown(Cause::Busy {
            retry_after_seconds: reply
                .retry_after_seconds
                .map(|seconds| seconds.min(RETRY_AFTER_SECONDS_MAX)),
        }),
        401 | 403 => Answer::Unknown(Cause::Configuration(code(reply))),
        // What it finds malformed it cannot have executed, and a repeat is the same bytes.
        400 if code(reply) == "INVALID_REQUEST" => Answer::Declined(Decline {
            reason: Reason::MerchantSetup,
            class: Class::Merchant,
            code: "INVALID_REQUEST".to_owned(),
            message: "the card company does not take such a request".to_owned(),
        }),
        // With or without a code: the call may have arrived, and may take effect.
        500..=599 => Answer::Unknown(Cause::Lost),
        status => unreadable(&format!("status {status}: {}", code(reply))),
    }
}

fn verdict(call: &ConfirmCall, reply: &Reply) -> Answer {
    let body = match &reply.body {
        Ok(body) => body,
        Err(unusable) => return unreadable(&format!("of the body, {unusable}")),
    };
    let verdict: Verdict = match serde_json::from_slice(body) {
        Ok(verdict) => verdict,
        Err(error) => return unreadable(&format!("the body is no answer: {error}")),
    };
    if let Some(why) = verdict.is_of_another(call) {
        return unreadable(why);
    }
    match verdict.result.as_str() {
        "APPROVED" => verdict.approved(call),
        "DECLINED" => verdict.declined(),
        word => unreadable(&format!("the result is {}", cut(word))),
    }
}

impl Verdict {
    fn is_of_another(&self, call: &ConfirmCall) -> Option<&'static str> {
        let is = |told: &Option<Value>, ours: Value| told.as_ref().is_none_or(|it| *it == ours);
        if !is(&self.tid, Value::from(call.order.to_string())) {
            return Some("the answer is about another tid");
        }
        if !is(&self.amount, Value::from(call.amount.minor())) {
            return Some("the answer is about another amount");
        }
        None
    }

    fn approved(&self, call: &ConfirmCall) -> Answer {
        if let Some(reason) = &self.reason {
            return unreadable(&format!("approved, with the reason {}", cut(reason)));
        }
        let ref_no = self.ref_no.as_deref().unwrap_or_default();
        let auth_code = self.auth_code.as_deref().unwrap_or_default();
        let Ok(transaction_key) = ref_no.parse::<TransactionKey>() else {
            return unreadable("approved, without a refNo");
        };
        if auth_code.trim().is_empty() {
            return unreadable("approved, without an authCode");
        }
        info!(order = %call.order, ref_no, auth_code = cut(auth_code), "authorised");
        let approved_at = self.approved_at.as_deref();
        Answer::Found(Box::new(Snapshot {
            account: None,
            payment_key: call.payment_key.clone(),
            order_id: call.order.to_string(),
            // It names no merchant: whose account it is, only the address that was called says.
            merchant_id: String::new(),
            status: Status::Done,
            total: Some(call.amount),
            balance: Some(call.amount),
            tax_free: None,
            approved_at: approved_at.and_then(instant),
            last_transaction_key: Some(transaction_key),
            cancels: Vec::new(),
            failure: None,
            method: Some(METHOD.to_owned()),
            receipt_url: None,
        }))
    }

    fn declined(&self) -> Answer {
        if self.ref_no.is_some() || self.auth_code.is_some() || self.approved_at.is_some() {
            return unreadable("declined, and yet authorised");
        }
        let word = self.reason.as_deref().unwrap_or_default();
        let known = REASONS.iter().find(|(reason, _, _)| *reason == word);
        let Some((code, class, reason)) = known else {
            return unreadable(&format!("declined for an unlisted reason: {}", cut(word)));
        };
        Answer::Declined(Decline {
            reason: *reason,
            class: *class,
            code: (*code).to_owned(),
            message: "the card company declined".to_owned(),
        })
    }
}

fn instant(text: &str) -> Option<Timestamp> {
    let parsed = DateTime::parse_from_rfc3339(text).ok()?;
    // In the precision that the databases keep.
    Some(parsed.to_utc().trunc_subsecs(6))
}

fn code(reply: &Reply) -> String {
    let body = reply.body.as_deref().unwrap_or_default();
    let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
    refusal.map_or_else(|| "no code".to_owned(), |refusal| cut(&refusal.code))
}

fn cut(word: &str) -> String {
    word.chars().take(WORD_CHARS_MAX).collect()
}

fn unreadable(why: &str) -> Answer {
    Answer::Unknown(Cause::Unreadable(why.to_owned()))
}
