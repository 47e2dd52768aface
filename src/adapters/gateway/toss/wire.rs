//! Owns reading what the gateway sends: tolerant of anything new, strict about money and names.
//!
//! Fields are taken raw and read one by one, so that a field of an unexpected type spoils only
//! what depends on it, and a number never passes through a float.

use chrono::{DateTime, FixedOffset, NaiveDateTime, SubsecRound, Utc};
use domain::Timestamp;
use domain::money::{Currency, Money};
use domain::snapshot::{Cancel, Snapshot, Status};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{account, amount, codes};

/// Why a body is not the payment it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unreadable {
    /// Not JSON, or no object.
    #[error("the body is no JSON object")]
    NotAnObject,
    /// A field that everything depends on is missing or has a value that cannot be.
    #[error("the body is no payment: {0}")]
    Field(&'static str),
}

/// An error body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// The gateway's word.
    pub(super) code: String,
    /// Its text, for people only.
    pub(super) message: String,
}

/// A field as it came: `null` and absent are the same.
pub(super) type Raw<'a> = Option<&'a RawValue>;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PaymentBody<'a> {
    #[serde(borrow)]
    m_id: Raw<'a>,
    payment_key: Raw<'a>,
    order_id: Raw<'a>,
    status: Raw<'a>,
    currency: Raw<'a>,
    total_amount: Raw<'a>,
    balance_amount: Raw<'a>,
    tax_free_amount: Raw<'a>,
    approved_at: Raw<'a>,
    last_transaction_key: Raw<'a>,
    cancels: Raw<'a>,
    failure: Raw<'a>,
    method: Raw<'a>,
    receipt: Raw<'a>,
    virtual_account: Raw<'a>,
    secret: Raw<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CancelBody<'a> {
    #[serde(borrow)]
    transaction_key: Raw<'a>,
    cancel_amount: Raw<'a>,
    tax_free_amount: Raw<'a>,
    cancel_reason: Raw<'a>,
    cancel_status: Raw<'a>,
    canceled_at: Raw<'a>,
}

#[derive(Deserialize)]
struct ErrorBody<'a> {
    #[serde(borrow)]
    code: Raw<'a>,
    message: Raw<'a>,
}

#[derive(Deserialize)]
struct ReceiptBody<'a> {
    #[serde(borrow)]
    url: Raw<'a>,
}

/// Reads a payment.
pub(super) fn payment(body: &[u8]) -> Result<Snapshot, Unreadable> {
    let body: PaymentBody<'_> = object(body).ok_or(Unreadable::NotAnObject)?;
    let key = text(body.payment_key).and_then(|key| key.parse().ok());
    let currency = text(body.currency).and_then(|code| code.parse::<Currency>().ok());
    Ok(Snapshot {
        payment_key: key.ok_or(Unreadable::Field("paymentKey"))?,
        order_id: name(body.order_id).ok_or(Unreadable::Field("orderId"))?,
        merchant_id: name(body.m_id).ok_or(Unreadable::Field("mId"))?,
        status: status(name(body.status).ok_or(Unreadable::Field("status"))?),
        total: money(body.total_amount, currency),
        balance: money(body.balance_amount, currency),
        tax_free: money(body.tax_free_amount, currency),
        approved_at: instant(body.approved_at)?,
        last_transaction_key: text(body.last_transaction_key).and_then(|key| key.parse().ok()),
        cancels: cancels(body.cancels, currency).ok_or(Unreadable::Field("cancels"))?,
        failure: error_in(body.failure).map(|why| codes::failure(&why.code, &why.message)),
        method: name(body.method),
        account: account::shown(body.virtual_account, body.secret).map(Box::new),
        receipt_url: body.receipt.and_then(|receipt| {
            object(receipt.get().as_bytes()).and_then(|receipt: ReceiptBody<'_>| name(receipt.url))
        }),
    })
}

/// Reads an error. `None` when there is no code in it that could be one.
pub(super) fn refusal(body: &[u8]) -> Option<Refusal> {
    let body: ErrorBody<'_> = object(body)?;
    let code = text(body.code)?;
    let shape = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
    let is_code = (1..=100).contains(&code.len()) && code.bytes().all(shape);
    is_code.then(|| Refusal {
        code,
        message: text(body.message).unwrap_or_default(),
    })
}

fn error_in(raw: Raw<'_>) -> Option<Refusal> {
    refusal(raw?.get().as_bytes())
}

/// Reads an object. A derived reader would also take an array for one.
pub(super) fn object<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Option<T> {
    let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
    if first != Some(&b'{') {
        return None;
    }
    serde_json::from_slice(body).ok()
}

/// A string, or the digits of a number: the gateway mixes the two.
pub(super) fn text(raw: Raw<'_>) -> Option<String> {
    let raw = raw?.get();
    match raw.as_bytes().first()? {
        b'"' => serde_json::from_str(raw).ok(),
        b'0'..=b'9' | b'-' => Some(raw.to_owned()),
        _ => None,
    }
}

/// A text that says something.
pub(super) fn name(raw: Raw<'_>) -> Option<String> {
    text(raw).filter(|text| !text.is_empty())
}

fn money(raw: Raw<'_>, currency: Option<Currency>) -> Option<Money> {
    amount::parse(&text(raw)?, currency?)
}

fn status(word: String) -> Status {
    match word.as_str() {
        "READY" => Status::Ready,
        "IN_PROGRESS" => Status::InProgress,
        "WAITING_FOR_DEPOSIT" => Status::WaitingForDeposit,
        "DONE" => Status::Done,
        "CANCELED" => Status::Canceled,
        "PARTIAL_CANCELED" => Status::PartialCanceled,
        "ABORTED" => Status::Aborted,
        "EXPIRED" => Status::Expired,
        _ => Status::Other(word),
    }
}

/// Something that is no instant is an error: whether there is one decides what a CANCELED payment
/// was.
fn instant(raw: Raw<'_>) -> Result<Option<Timestamp>, Unreadable> {
    match raw {
        None => Ok(None),
        raw => {
            let instant = text(raw).and_then(|text| parse_instant(&text));
            instant.map(Some).ok_or(Unreadable::Field("approvedAt"))
        }
    }
}

/// Korean time, which has no daylight saving.
pub(super) fn seoul() -> FixedOffset {
    const SECONDS: i32 = 9 * 60 * 60;
    FixedOffset::east_opt(SECONDS).expect("nine hours are an offset")
}

/// With an offset, or without one in Korean time; in the precision that the databases keep.
pub(super) fn parse_instant(text: &str) -> Option<Timestamp> {
    let instant = DateTime::parse_from_rfc3339(text).or_else(|error| {
        let local = text.parse::<NaiveDateTime>().map_err(|_| error)?;
        local.and_local_timezone(seoul()).single().ok_or(error)
    });
    instant
        .ok()
        .map(|instant| instant.with_timezone(&Utc).trunc_subsecs(6))
}

/// `None` when a cancellation cannot be read: a movement of money must not be overlooked.
fn cancels(raw: Raw<'_>, currency: Option<Currency>) -> Option<Vec<Cancel>> {
    let Some(raw) = raw else {
        return Some(Vec::new());
    };
    let rows: Vec<&RawValue> = serde_json::from_str(raw.get()).ok()?;
    let mut cancels = Vec::with_capacity(rows.len());
    for row in rows {
        let row: CancelBody<'_> = object(row.get().as_bytes())?;
        let word = text(row.cancel_status);
        // One that failed moved nothing.
        if word.as_deref() == Some("ABORTED") {
            continue;
        }
        let amount = money(row.cancel_amount, currency)?;
        cancels.push(Cancel {
            transaction_key: text(row.transaction_key)?.parse().ok()?,
            amount,
            tax_free: money(row.tax_free_amount, currency),
            reason: text(row.cancel_reason).unwrap_or_default(),
            // Versions before the field existed had no unfinished ones.
            done: word.is_none_or(|word| word == "DONE"),
            canceled_at: text(row.canceled_at).and_then(|text| parse_instant(&text)),
        });
    }
    if cancels.iter().all(|cancel| cancel.canceled_at.is_some()) {
        cancels.sort_by_key(|cancel| cancel.canceled_at);
    }
    Some(cancels)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DONE: &str = include_str!("../../../../tests/toss-examples/payment-card-done.json");

    /// The example with one field replaced.
    fn with(field: &str, value: &str) -> Result<Snapshot, Unreadable> {
        let mut body: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(DONE).unwrap();
        body.remove(field).unwrap();
        // Written as text: a parsed value would pass through a float.
        let mut text = serde_json::to_string(&body).unwrap();
        text.pop();
        payment(format!("{text},\"{field}\":{value}}}").as_bytes())
    }

    fn krw(minor: i64) -> Money {
        Money::new(minor, Currency::Krw).unwrap()
    }

    #[test]
    fn amounts_are_exact_or_nothing() {
        for value in ["33000", "33000.0", "\"33000\"", "3.3e4"] {
            assert_eq!(
                with("totalAmount", value).unwrap().total,
                Some(krw(33_000)),
                "{value}"
            );
        }
        for value in [
            "33000.5", "-33000", "null", "true", "[]", "{}", "\"\"", "\"many\"",
        ] {
            let snapshot = with("totalAmount", value).unwrap();
            assert_eq!(
                (snapshot.total, snapshot.balance),
                (None, Some(krw(33_000))),
                "{value}"
            );
        }
        let odd = with("currency", "\"MUSD\"").unwrap();
        assert_eq!((odd.total, odd.balance), (None, None));
    }

    #[test]
    fn new_words_and_types_are_no_error() {
        let odd = with("status", "\"ON_HOLD\"").unwrap().status;
        assert_eq!(odd, Status::Other("ON_HOLD".to_owned()));
        assert_eq!(with("orderId", "71").unwrap().order_id, "71");
        assert_eq!(with("method", "{\"name\":\"카드\"}").unwrap().method, None);
        assert_eq!(with("receipt", "\"https://…\"").unwrap().receipt_url, None);
        assert_eq!(
            with("easyPay", "\"토스페이\"").unwrap().status,
            Status::Done
        );
        assert_eq!(
            with("lastTransactionKey", "[1]")
                .unwrap()
                .last_transaction_key,
            None
        );
        assert_eq!(with("failure", "\"none\"").unwrap().failure, None);
    }

    #[test]
    fn a_payment_needs_its_names() {
        for field in ["paymentKey", "orderId", "mId", "status"] {
            for value in ["null", "\"\"", "[]"] {
                assert_eq!(with(field, value), Err(Unreadable::Field(field)), "{value}");
            }
        }
        assert_eq!(
            with("paymentKey", "\"a b\""),
            Err(Unreadable::Field("paymentKey"))
        );
    }

    #[test]
    fn instants_come_with_and_without_offset() {
        let expected = "2026-03-15T01:30:41Z".parse::<Timestamp>().unwrap();
        for value in [
            "2026-03-15T10:30:41+09:00",
            "2026-03-15T10:30:41",
            "2026-03-15T01:30:41Z",
        ] {
            assert_eq!(
                with("approvedAt", &format!("\"{value}\""))
                    .unwrap()
                    .approved_at,
                Some(expected),
                "{value}"
            );
        }
        let fine = with("approvedAt", "\"2026-03-15T10:30:41.123456789+09:00\"").unwrap();
        assert_eq!(
            fine.approved_at.unwrap().timestamp_subsec_nanos(),
            123_456_000
        );
        assert_eq!(
            with("approvedAt", "\"soon\""),
            Err(Unreadable::Field("approvedAt"))
        );
    }

    #[test]
    fn a_cancellation_is_read_or_nothing_is() {
        let cancel = |status: &str, amount: &str| {
            let row = format!(
                "{{\"transactionKey\":\"t1\",\"cancelAmount\":{amount},\"cancelStatus\":{status}}}"
            );
            with("cancels", &format!("[{row}]")).map(|snapshot| snapshot.cancels)
        };
        assert!(cancel("\"DONE\"", "100").unwrap()[0].done);
        assert!(cancel("null", "100").unwrap()[0].done);
        assert!(!cancel("\"IN_PROGRESS\"", "100").unwrap()[0].done);
        assert!(cancel("\"ABORTED\"", "100").unwrap().is_empty());
        assert_eq!(cancel("\"DONE\"", "0.5"), Err(Unreadable::Field("cancels")));
        for value in ["{}", "[1]", "[[]]", "[{}]", "\"\""] {
            assert_eq!(
                with("cancels", value),
                Err(Unreadable::Field("cancels")),
                "{value}"
            );
        }
    }

    #[test]
    fn cancellations_are_in_order_of_time() {
        let row = |key: &str, day: u32| {
            format!(
                "{{\"transactionKey\":\"{key}\",\"cancelAmount\":1,\
                 \"canceledAt\":\"2026-03-{day:02}T00:00:00+09:00\"}}"
            )
        };
        let rows = format!("[{},{}]", row("later", 20), row("earlier", 19));
        let cancels = with("cancels", &rows).unwrap().cancels;
        assert_eq!(cancels[0].transaction_key.as_str(), "earlier");
    }

    #[test]
    fn only_an_object_is_read() {
        for body in [
            "",
            "null",
            "[]",
            "\"DONE\"",
            "{",
            "<html></html>",
            "[\"tsimshop\",\"pk\"]",
        ] {
            assert_eq!(
                payment(body.as_bytes()),
                Err(Unreadable::NotAnObject),
                "{body}"
            );
            assert_eq!(refusal(body.as_bytes()), None, "{body}");
        }
        assert_eq!(
            payment(b"{\"status\":\"\xff\"}"),
            Err(Unreadable::NotAnObject)
        );
    }

    #[test]
    fn a_code_looks_like_one() {
        let code = |code: &str| refusal(format!("{{\"code\":{code}}}").as_bytes());
        assert_eq!(code("\"A_CODE_1\"").unwrap().code, "A_CODE_1");
        let long = format!("\"{}\"", "A".repeat(101));
        for odd in ["null", "\"\"", "\"a code\"", "\"<b>\"", "[]", &long] {
            assert_eq!(code(odd), None, "{odd}");
        }
    }
}
