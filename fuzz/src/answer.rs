//! Owns what must hold of the gateway's answers: whatever is not on a list is unknown, nothing is a
//! decline but a documented one below 500, and amounts are what the text says.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::http::{HeaderValue, Response, header};
use domain::money::{Currency, Money};
use domain::snapshot::{Answer, Cause, Snapshot};
use payflow::adapters::gateway::Operation;
use payflow::adapters::gateway::toss::{Settings, Toss};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::input::{Here, line};

/// The documented codes, a second time: which of them decline which call.
const CODES: &str = include_str!("../../tests/toss/error-codes.json");
const MERCHANT: &str = "tosspayments";

struct World {
    here: Here,
    /// An account that takes the answers of every merchant, and one that takes its own.
    accounts: [Toss; 2],
    codes: Vec<Value>,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let open = Settings::new("http://127.0.0.1:1", "test_sk_1");
    let mut own = open.clone();
    own.merchant_id = Some(MERCHANT.to_owned());
    World {
        here: Here::new(),
        accounts: [open, own].map(|settings| Toss::new(settings).expect("an account")),
        codes: serde_json::from_str(CODES).expect("a list of codes"),
    }
});

/// A call, a status, seconds to wait and a content type in the first line, then the body. Without
/// such a line all of it is the body of an answer in JSON with status 200.
pub(crate) fn run(bytes: &[u8]) {
    let thrown = Thrown::read(bytes);
    let [open, own] = &WORLD.accounts;
    let answer = WORLD
        .here
        .wait(open.understand(thrown.call, thrown.response()));
    thrown.judge(&answer);
    let narrowed = WORLD
        .here
        .wait(own.understand(thrown.call, thrown.response()));
    match (&answer, &narrowed) {
        (Answer::Found(snapshot), _) if snapshot.merchant_id != MERCHANT => {
            assert!(matches!(narrowed, Answer::Unknown(_)), "another merchant's");
        }
        _ => assert_eq!(answer, narrowed),
    }
}

pub(crate) struct Thrown<'a> {
    pub(crate) call: Operation,
    pub(crate) status: u16,
    wait: &'a [u8],
    kind: &'a [u8],
    pub(crate) body: &'a [u8],
}

impl<'a> Thrown<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Self {
        let (head, body) = line(bytes);
        Self::with(head, body).unwrap_or(Self {
            call: Operation::AskByKey,
            status: 200,
            wait: b"",
            kind: b"application/json",
            body: bytes,
        })
    }

    fn with(head: &'a [u8], body: &'a [u8]) -> Option<Self> {
        let mut words = head.splitn(4, |byte| *byte == b' ');
        let call = match words.next()? {
            b"confirm" => Operation::Confirm,
            b"charge" => Operation::Charge,
            b"account" => Operation::IssueAccount,
            b"cancel" => Operation::Cancel,
            b"ask" => Operation::AskByKey,
            b"list" => Operation::List,
            _ => return None,
        };
        let status = str::from_utf8(words.next()?).ok()?.parse().ok()?;
        Some(Self {
            call,
            status: Some(status).filter(|status| (100..1000).contains(status))?,
            wait: words.next()?,
            kind: words.next()?,
            body,
        })
    }

    pub(crate) fn response(&self) -> reqwest::Response {
        let mut response = Response::new(self.body.to_vec());
        *response.status_mut() = self.status.try_into().expect("from 100 to 999");
        for (name, value) in [
            (header::RETRY_AFTER, self.wait),
            (header::CONTENT_TYPE, self.kind),
        ] {
            if let (false, Ok(value)) = (value.is_empty(), HeaderValue::from_bytes(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response.into()
    }

    pub(crate) fn is_json(&self) -> bool {
        let kind = str::from_utf8(self.kind).unwrap_or_default();
        let kind = kind.to_ascii_lowercase();
        kind.split(';')
            .next()
            .is_some_and(|kind| kind.trim() == "application/json")
    }

    fn judge(&self, answer: &Answer) {
        let status = self.status;
        match answer {
            Answer::Found(snapshot) => {
                assert!(status == 200 && self.is_json(), "{status} is found");
                agree(snapshot, self.body);
            }
            Answer::Declined(decline) => {
                assert!((400..500).contains(&status), "{status} is a decline");
                assert!(self.is_json() && self.code() == decline.code, "{decline:?}");
                assert!(
                    self.declines(&decline.code),
                    "{decline:?} is not documented"
                );
            }
            Answer::NotFound => {
                assert_eq!((status, self.call), (404, Operation::AskByKey));
                assert!(self.is_json() && self.code() == "NOT_FOUND_PAYMENT");
            }
            Answer::Unknown(Cause::Busy {
                retry_after_seconds: Some(seconds),
            }) => assert!(*seconds <= 120, "{seconds} s"),
            Answer::Unknown(Cause::Refused(decline)) => {
                assert!(status >= 500 && self.declines(&decline.code), "{decline:?}");
            }
            Answer::Unknown(_) => {}
        }
    }

    fn code(&self) -> String {
        let body = String::from_utf8_lossy(self.body);
        let body: Fields = serde_json::from_str(&body).unwrap_or_default();
        text(&body, "code")
    }

    fn declines(&self, code: &str) -> bool {
        let letter = match self.call {
            Operation::Confirm => 'C',
            Operation::Charge => 'B',
            Operation::IssueAccount => 'V',
            Operation::IssueKey => 'I',
            Operation::DeleteKey => 'D',
            Operation::Cancel => 'X',
            Operation::AskByKey | Operation::AskByOrder | Operation::Glance | Operation::List => {
                return false;
            }
        };
        let mut known = WORLD.codes.iter().filter(|known| known["code"] == code);
        known.any(|known| {
            let calls = known["calls"].as_str().unwrap_or_default();
            calls.contains(letter) && (known["class"] == "U" || known["class"] == "M")
        })
    }
}

/// An object whose values are as they are written.
pub(crate) type Fields = BTreeMap<String, Box<RawValue>>;

/// A field as it is written; a text without its quotes.
pub(crate) fn text(fields: &Fields, name: &str) -> String {
    let raw = fields.get(name).map_or("null", |raw| raw.get());
    serde_json::from_str(raw).unwrap_or_else(|_| raw.to_owned())
}

/// Names and amounts are those of the body, and no movement is overlooked.
fn agree(snapshot: &Snapshot, body: &[u8]) {
    // What is not read may be no text.
    let body = String::from_utf8_lossy(body);
    let body: Fields = serde_json::from_str(&body).expect("it was read");
    assert_eq!(text(&body, "orderId"), snapshot.order_id);
    assert_eq!(text(&body, "mId"), snapshot.merchant_id);
    assert_eq!(text(&body, "paymentKey"), snapshot.payment_key.as_str());
    for (name, money) in [
        ("totalAmount", snapshot.total),
        ("balanceAmount", snapshot.balance),
        ("taxFreeAmount", snapshot.tax_free),
    ] {
        if let Some(money) = money {
            assert_eq!(money.currency().code(), text(&body, "currency"));
            same(&text(&body, name), money);
        }
    }
    let rows = body.get("cancels").map_or("null", |rows| rows.get());
    let rows: Option<Vec<Fields>> = serde_json::from_str(rows).expect("they were read");
    let rows = rows.unwrap_or_default();
    let moved: Vec<&Fields> = rows
        .iter()
        .filter(|row| text(row, "cancelStatus") != "ABORTED")
        .collect();
    assert_eq!(moved.len(), snapshot.cancels.len());
    for cancel in &snapshot.cancels {
        let key = cancel.transaction_key.as_str();
        let mut named = moved
            .iter()
            .filter(|row| text(row, "transactionKey") == key);
        assert!(
            named.any(|row| is_same(&text(row, "cancelAmount"), cancel.amount)),
            "{key}"
        );
    }
}

/// Whether a text is this amount: decimal texts of one number are read as one float.
fn is_same(text: &str, money: Money) -> bool {
    let shift = match money.currency() {
        Currency::Krw | Currency::Jpy => "",
        Currency::Usd => "e-2",
    };
    let ours: Result<f64, _> = format!("{}{shift}", money.minor()).parse();
    text.parse() == ours
}

fn same(text: &str, money: Money) {
    assert!(is_same(text, money), "{text} became {money}");
}
