//! Owns `POST /card/api/authorize`: the card company that a gateway asks.

use serde::Serialize;
use serde_json::Value;

use super::confirm::Twist;
use super::fields::Fields;
use super::{Context, refuse};
use crate::cards;
use crate::catalogue::Refusal;
use crate::clock::api_date;
use crate::config::RepeatedTid;
use crate::ids;
use crate::state::fact::{Authorization, Fact};
use crate::store::Transaction;

const TID_CHARACTERS_MAX: usize = 64;
const MERCHANT_NAME_CHARACTERS_MAX: usize = 100;

/// A `tid` that was authorised for another amount.
const DUPLICATED: &str = "DUPLICATED_TID";

/// What a caller asks for.
struct Request {
    tid: String,
    merchant_name: String,
    amount: i64,
    card_number: Option<String>,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Verdict {
    Approved,
    Declined,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    result: Verdict,
    ref_no: Option<&'a str>,
    auth_code: Option<&'a str>,
    approved_at: Option<String>,
    reason: Option<&'a str>,
}

/// Authorises a payment, or says why not; both are answers of status 200.
pub(crate) fn authorize(
    transaction: &mut Transaction,
    context: Context,
    body: &Value,
    twist: Option<&Twist>,
) -> Result<String, Refusal> {
    let request = Request::read(context, body)?;
    // Nobody can ask what became of a request: its repeat has to say, whatever happens to it.
    if context.settings.repeated_tid == RepeatedTid::Replayed
        && let Some(first) = first(transaction, &request)
    {
        return Ok(first);
    }
    if let Some(reason) = declined(&request, twist) {
        let answer = Answer::no(reason).text();
        transaction.record(Fact::Declined {
            reason: reason.to_owned(),
            tid: request.tid,
            amount: request.amount,
        });
        return Ok(answer);
    }
    let sequence = transaction.state().authorizations().len().saturating_add(1);
    let authorization = Authorization {
        sequence: u64::try_from(sequence).unwrap_or(u64::MAX),
        tid: request.tid,
        merchant_name: request.merchant_name,
        amount: request.amount,
        ref_no: format!("R{sequence:06}"),
        auth_code: ids::authorization_code(),
        at: transaction.now(),
    };
    let text = Answer::yes(&authorization).text();
    transaction.record(Fact::Authorized { authorization });
    Ok(text)
}

impl Request {
    fn read(context: Context, body: &Value) -> Result<Self, Refusal> {
        let fields = Fields::of(body, context.settings.typing)?;
        let request = Self {
            tid: fields.required_text("tid")?,
            merchant_name: fields.required_text("merchantName")?,
            amount: fields.required_amount("amount")?,
            card_number: fields.text("cardNumber")?,
        };
        let acceptable = request.tid.chars().count() <= TID_CHARACTERS_MAX
            && request.merchant_name.chars().count() <= MERCHANT_NAME_CHARACTERS_MAX
            && request.amount > 0;
        if acceptable {
            Ok(request)
        } else {
            refuse("INVALID_REQUEST")
        }
    }
}

/// What was told the first time, if there was one.
fn first(transaction: &Transaction, request: &Request) -> Option<String> {
    let state = transaction.state();
    let told = |amount: i64, first: Answer| {
        let same = amount == request.amount;
        let answer = if same { first } else { Answer::no(DUPLICATED) };
        Some(answer.text())
    };
    if let Some(made) = state.authorization(&request.tid) {
        return told(made.amount, Answer::yes(made));
    }
    let (amount, reason) = state.declined(&request.tid)?;
    told(*amount, Answer::no(reason))
}

/// Why this payment is declined, if it is: by a fault, or by the card's story.
fn declined<'a>(request: &Request, twist: Option<&'a Twist>) -> Option<&'a str> {
    if let Some(Twist::Refuse(code)) = twist {
        return Some(code);
    }
    let typed = request.card_number.as_deref()?;
    match cards::find(typed) {
        None => Some("INVALID_CARD_NUMBER"),
        Some(card) => card.code.as_deref().or(card.window.as_deref()),
    }
}

impl<'a> Answer<'a> {
    fn yes(authorization: &'a Authorization) -> Self {
        Self {
            result: Verdict::Approved,
            ref_no: Some(&authorization.ref_no),
            auth_code: Some(&authorization.auth_code),
            approved_at: Some(api_date(authorization.at)),
            reason: None,
        }
    }

    fn no(reason: &'a str) -> Self {
        Self {
            result: Verdict::Declined,
            ref_no: None,
            auth_code: None,
            approved_at: None,
            reason: Some(reason),
        }
    }

    fn text(&self) -> String {
        serde_json::to_string(self).expect("an answer serialises")
    }
}
