//! Owns what the gateway says of billing keys (`toss-api.md §11`).

use application::ports::gateway::{Deleted, Issued, NewKey};
use application::ports::vault::Secret;
use domain::billing::Card;
use domain::decline::Decline;
use domain::snapshot::{Answer, Cause};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::classify;
use super::codes::Call;
use super::wire::{Raw, name, object, parse_instant, text};
use crate::adapters::gateway::http::Reply;

/// A billing key is at most so long (`toss-api.md §5`).
const KEY_CHARS_MAX: usize = 200;
/// As many of a card's digits are shown, or what stands in their place.
const LAST_CHARS: usize = 4;
/// More is no company's name.
const COMPANY_CHARS_MAX: usize = 50;
/// A key that the gateway does not have is deleted.
const GONE: [&str; 3] = [
    "NOT_FOUND_BILLING",
    "BILLING_KEY_NOT_FOUND",
    "ALREADY_REMOVED_BILLING_KEY",
];

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct KeyBody<'a> {
    #[serde(borrow)]
    m_id: Raw<'a>,
    customer_key: Raw<'a>,
    billing_key: Raw<'a>,
    authenticated_at: Raw<'a>,
    method: Raw<'a>,
    card: Raw<'a>,
    transfers: Raw<'a>,
    card_number: Raw<'a>,
    card_company: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CardBody<'a> {
    #[serde(borrow)]
    issuer_code: Raw<'a>,
    number: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TransferBody<'a> {
    #[serde(borrow)]
    bank_name: Raw<'a>,
    bank_account_number: Raw<'a>,
}

/// What became of a key to be made.
pub(super) fn issued(reply: Result<Reply, Cause>) -> Issued {
    let reply = match reply {
        Ok(reply) => reply,
        Err(cause) => return Issued::Unknown(cause),
    };
    match failure(Call::IssueKey, &reply) {
        Err(Failed::Declined(decline)) => return Issued::Declined(decline),
        Err(Failed::Unknown(cause)) => return Issued::Unknown(cause),
        Ok(()) => {}
    }
    // A key may have been made: only the repeat under the same call's key can still tell it.
    let body = reply.body.as_deref().ok();
    body.and_then(key_in)
        .map_or(Issued::Unknown(Cause::Lost), |key| {
            Issued::Key(Box::new(key))
        })
}

/// What became of a key to be deleted: success has no body.
pub(super) fn deleted(reply: Result<Reply, Cause>) -> Deleted {
    let reply = match reply {
        Ok(reply) => reply,
        Err(cause) => return Deleted::Unknown(cause),
    };
    match failure(Call::DeleteKey, &reply) {
        Ok(()) => Deleted::Gone,
        Err(Failed::Unknown(Cause::Conflict(code))) if GONE.contains(&code.as_str()) => {
            Deleted::Gone
        }
        Err(Failed::Declined(decline)) => Deleted::Declined(decline),
        Err(Failed::Unknown(cause)) => Deleted::Unknown(cause),
    }
}

/// What `reply` means as the answer to a call that is answered with no payment, unless it is a
/// success.
fn failure(call: Call, reply: &Reply) -> Result<(), Failed> {
    if reply.status == 200 {
        return Ok(());
    }
    Err(match classify::classify(call, reply) {
        Answer::Declined(decline) => Failed::Declined(decline),
        Answer::Unknown(cause) => Failed::Unknown(cause),
        Answer::Found(_) | Answer::NotFound => {
            Failed::Unknown(Cause::Unreadable("an answer to a question".to_owned()))
        }
    })
}

/// Why a call came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failed {
    /// A definitive refusal.
    Declined(Decline),
    /// Anything else.
    Unknown(Cause),
}

fn key_in(body: &[u8]) -> Option<NewKey> {
    let body: KeyBody<'_> = object(body)?;
    let key = name(body.billing_key)?;
    let is_key = key.len() <= KEY_CHARS_MAX && key.bytes().all(|byte| byte.is_ascii_graphic());
    Some(NewKey {
        billing_key: is_key.then(|| Secret::new(key))?,
        customer_key: name(body.customer_key)?,
        merchant_id: name(body.m_id)?,
        card: card(&body),
        authenticated_at: text(body.authenticated_at).and_then(|text| parse_instant(&text)),
    })
}

/// What is shown of it: of a field of an unexpected type, nothing.
fn card(body: &KeyBody<'_>) -> Card {
    let card: Option<CardBody<'_>> = body.card.and_then(|raw| object(raw.get().as_bytes()));
    let rows: Option<Vec<&RawValue>> = body
        .transfers
        .and_then(|raw| serde_json::from_str(raw.get()).ok());
    let first = rows.and_then(|rows| rows.into_iter().next());
    let transfer: Option<TransferBody<'_>> = first.and_then(|raw| object(raw.get().as_bytes()));
    let (company, number) = match (card, transfer) {
        (Some(card), _) => (
            name(card.issuer_code).or_else(|| name(body.card_company)),
            name(card.number),
        ),
        (None, Some(transfer)) => (name(transfer.bank_name), name(transfer.bank_account_number)),
        (None, None) => (name(body.card_company), name(body.card_number)),
    };
    Card {
        method: name(body.method).filter(|text| is_short(text)),
        company: company.filter(|text| is_short(text)),
        last4: number.as_deref().and_then(last),
    }
}

fn is_short(text: &str) -> bool {
    text.chars().count() <= COMPANY_CHARS_MAX && !text.chars().any(char::is_control)
}

/// The end of a number, as the gateway masks it.
fn last(number: &str) -> Option<String> {
    let shown = |byte: &u8| byte.is_ascii_digit() || *byte == b'*';
    if number.is_empty() || !number.as_bytes().iter().all(shown) {
        return None;
    }
    let start = number.len().saturating_sub(LAST_CHARS);
    Some(number[start..].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const CARD: &str = include_str!("../../../../tests/toss-examples/billing-card.json");
    const CARD_2024: &str = include_str!("../../../../tests/toss-examples/billing-card-2024.json");
    const TRANSFER: &str = include_str!("../../../../tests/toss-examples/billing-transfer.json");

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            retry_after_seconds: None,
            body: Ok(body.as_bytes().to_vec()),
        }
    }

    fn coded(status: u16, code: &str) -> Reply {
        reply(
            status,
            &format!("{{\"code\":\"{code}\",\"message\":\"m\"}}"),
        )
    }

    #[test]
    fn keys_are_read_in_every_version_of_the_answer() {
        for (body, company, last4) in [
            (CARD, "21", "789*"),
            (CARD_2024, "21", "789*"),
            (TRANSFER, "우리", "5678"),
        ] {
            let Issued::Key(key) = issued(Ok(reply(200, body))) else {
                panic!("{body}")
            };
            assert_eq!(key.merchant_id, "bill_simshp");
            assert_eq!(key.card.company.as_deref(), Some(company));
            assert_eq!(key.card.last4.as_deref(), Some(last4));
            assert!(key.authenticated_at.is_some());
            assert!(!format!("{key:?}").contains(key.billing_key.expose()));
        }
    }

    #[test]
    fn what_is_no_key_is_not_known() {
        let short = CARD.replace("billingKey", "other");
        for body in ["", "{}", "[]", &short] {
            let answer = issued(Ok(reply(200, body)));
            // A key may have been made: the same call is made again.
            assert_eq!(answer, Issued::Unknown(Cause::Lost));
        }
        let odd = CARD.replace("\"94100012****789*\"", "\"4111 1111\"");
        let Issued::Key(key) = issued(Ok(reply(200, &odd))) else {
            panic!("{odd}")
        };
        assert_eq!(key.card.last4, None);
    }

    #[test]
    fn refusals_are_of_the_list_only() {
        let refused = issued(Ok(coded(400, "INVALID_BILLING_AUTH")));
        assert!(matches!(refused, Issued::Declined(_)), "{refused:?}");
        for (status, code) in [
            (400, "NEW_CODE"),
            (500, "FAILED_BILL_KEY_AUTH_CREATION"),
            (409, "IDEMPOTENT_REQUEST_PROCESSING"),
            (401, "UNAUTHORIZED_KEY"),
        ] {
            let answer = issued(Ok(coded(status, code)));
            assert!(matches!(answer, Issued::Unknown(_)), "{code}: {answer:?}");
        }
    }

    #[test]
    fn a_key_that_is_not_there_is_deleted() {
        assert_eq!(deleted(Ok(reply(200, ""))), Deleted::Gone);
        for code in GONE {
            assert_eq!(deleted(Ok(coded(400, code))), Deleted::Gone, "{code}");
        }
        assert_eq!(deleted(Ok(coded(404, "NOT_FOUND_BILLING"))), Deleted::Gone);
        let refused = deleted(Ok(coded(400, "INVALID_BILL_KEY_REQUEST")));
        assert!(matches!(refused, Deleted::Declined(_)), "{refused:?}");
        for answer in [
            deleted(Ok(coded(404, "NOT_FOUND"))),
            deleted(Ok(reply(404, "<html>"))),
            deleted(Ok(reply(503, ""))),
            deleted(Err(Cause::Lost)),
        ] {
            assert!(matches!(answer, Deleted::Unknown(_)), "{answer:?}");
        }
    }
}
