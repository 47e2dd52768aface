//! Owns the gateway's list of movements (`toss-api.md §12`): how it is asked for, and what of its
//! lines is believed: which payment they are about, and nothing of their amounts but a zero.

use std::ops::Range;

use application::ports::gateway::{Line, ListPage, Listed};
use domain::Timestamp;
use domain::snapshot::{Answer, Cause};
use domain::text::TransactionKey;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::classify::classify;
use super::codes::Call;
use super::wire::{self, Raw};
use crate::adapters::gateway::http::Reply;

/// Dates of the query are in Korean time and say no offset.
const DATE: &str = "%Y-%m-%dT%H:%M:%S";

/// What is asked, as text.
pub(super) struct Question {
    start: String,
    end: String,
    limit: String,
    after: Option<String>,
}

impl Question {
    pub(super) fn new(
        within: &Range<Timestamp>,
        after: Option<&TransactionKey>,
        limit: u32,
    ) -> Self {
        let date = |at: &Timestamp| at.with_timezone(&wire::seoul()).format(DATE).to_string();
        Self {
            start: date(&within.start),
            end: date(&within.end),
            limit: limit.to_string(),
            after: after.map(ToString::to_string),
        }
    }

    pub(super) fn start(&self) -> &str {
        &self.start
    }

    pub(super) fn query(&self) -> Vec<(&str, &str)> {
        let mut query = vec![
            ("startDate", self.start.as_str()),
            ("endDate", self.end.as_str()),
            ("limit", self.limit.as_str()),
        ];
        query.extend(self.after.as_deref().map(|after| ("startingAfter", after)));
        query
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LineBody<'a> {
    #[serde(borrow)]
    transaction_key: Raw<'a>,
    payment_key: Raw<'a>,
    order_id: Raw<'a>,
    status: Raw<'a>,
    transaction_at: Raw<'a>,
    amount: Raw<'a>,
}

/// Reads a page, or why there is none.
pub(super) fn page(reply: &Reply) -> Result<ListPage, Cause> {
    if reply.status != 200 {
        return Err(match classify(Call::Question, reply) {
            Answer::Unknown(cause) => cause,
            // Answers about a payment; a list has none to be found or not.
            Answer::Found(_) | Answer::Declined(_) | Answer::NotFound => {
                unreadable("an answer about a payment")
            }
        });
    }
    let body = reply.body.as_ref();
    let body = body.map_err(|why| unreadable(&format!("of the list, {why}")))?;
    let rows: Vec<&RawValue> =
        serde_json::from_slice(body).map_err(|_| unreadable("it is no list"))?;
    let mut page = ListPage::default();
    for row in &rows {
        match line(row) {
            Read::Moved(listed) => page.listed.push(listed),
            Read::Unreadable => page.unreadable = page.unreadable.saturating_add(1),
        }
    }
    // A last line without a key is read again at the head of the next page, and hinders nothing.
    let keys = rows.iter().rev();
    let mut keys = keys.filter_map(|row| body_of(row).and_then(|body| transaction_key(&body)));
    page.next = keys.next();
    Ok(page)
}

fn unreadable(why: &str) -> Cause {
    Cause::Unreadable(format!("transactions: {why}"))
}

enum Read {
    Moved(Listed),
    Unreadable,
}

fn line(row: &RawValue) -> Read {
    let listed = || {
        let body = body_of(row)?;
        let nothing = wire::text(body.amount).is_some_and(|amount| is_zero(&amount));
        let listed = Listed {
            transaction_key: transaction_key(&body)?,
            payment_key: wire::text(body.payment_key)?.parse().ok()?,
            order_id: wire::name(body.order_id)?,
            line: match wire::text(body.status).as_deref() {
                // The issue of an account, and perhaps its end.
                _ if nothing => Line::Nothing,
                Some("DONE") => Line::Capture,
                Some("CANCELED" | "PARTIAL_CANCELED") => Line::Cancel,
                Some(_) | None => Line::Other,
            },
            at: wire::text(body.transaction_at).and_then(|at| wire::parse_instant(&at)),
        };
        Some(listed)
    };
    match listed() {
        Some(listed) => Read::Moved(listed),
        None => Read::Unreadable,
    }
}

fn body_of(row: &RawValue) -> Option<LineBody<'_>> {
    wire::object(row.get().as_bytes())
}

fn transaction_key(body: &LineBody<'_>) -> Option<TransactionKey> {
    wire::text(body.transaction_key)?.parse().ok()
}

/// `0`, `-0`, `0.00`: whatever the sign of the others means, these moved nothing.
fn is_zero(amount: &str) -> bool {
    let digits = amount.trim_start_matches('-');
    digits.contains('0') && digits.chars().all(|c| matches!(c, '0' | '.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = include_str!("../../../../tests/toss-examples/transactions.json");

    fn reply(status: u16, body: &str) -> Reply {
        Reply {
            status,
            retry_after_seconds: None,
            body: Ok(body.as_bytes().to_vec()),
        }
    }

    fn read(body: &str) -> Result<ListPage, Cause> {
        page(&reply(200, body))
    }

    #[test]
    fn the_example_has_a_capture_and_a_cancel() {
        let page = read(EXAMPLE).unwrap();
        let lines: Vec<Line> = page.listed.iter().map(|listed| listed.line).collect();
        assert_eq!(
            lines,
            [Line::Capture, Line::Nothing, Line::Cancel],
            "the issue of an account moved nothing"
        );
        assert_eq!(page.unreadable, 0);
        let [capture, _, cancel] = &page.listed[..] else {
            panic!("{page:?}")
        };
        assert_eq!(capture.payment_key, cancel.payment_key);
        assert_eq!(cancel.order_id, "ord_20260315_000001");
        assert_eq!(page.next.as_ref(), Some(&cancel.transaction_key));
        let at = "2026-03-16T00:00:00Z".parse().unwrap();
        assert_eq!(cancel.at, Some(at));
    }

    #[test]
    fn a_line_that_cannot_be_read_spoils_no_other() {
        let line = |change: &str| {
            format!(
                r#"{{"transactionKey":"t1","paymentKey":"p1","orderId":"o1","status":"DONE",
                     "transactionAt":"2026-03-15T10:30:41+09:00","amount":1000{change}}}"#
            )
        };
        let good = line("");
        for (bad, moved, unreadable) in [
            ("7", 1, 1),
            ("null", 1, 1),
            ("[]", 1, 1),
            (&line("").replace("\"p1\"", "null"), 1, 1),
            (&line("").replace("\"o1\"", "\"\""), 1, 1),
            (&line("").replace("1000", "-0.00"), 2, 0),
            (&line("").replace("1000", "\"many\""), 2, 0),
            (&line("").replace("1000", "null"), 2, 0),
            (&line("").replace("1000", "-1000"), 2, 0),
            (&line("").replace("DONE", "NEW_WORD"), 2, 0),
            (&line("").replace("2026-03-15T10:30:41+09:00", "soon"), 2, 0),
            (&line(",\"new\":[{}]"), 2, 0),
        ] {
            let page = read(&format!("[{bad},{good}]")).unwrap();
            assert_eq!(
                (page.listed.len(), page.unreadable),
                (moved, unreadable),
                "{bad}"
            );
        }
        let page = read(&format!("[{}]", good.replace("DONE", "NEW_WORD"))).unwrap();
        assert_eq!(page.listed[0].line, Line::Other);
        let page = read(&format!("[{}]", good.replace("+09:00", ""))).unwrap();
        let korean: Timestamp = "2026-03-15T01:30:41Z".parse().unwrap();
        assert_eq!(page.listed[0].at, Some(korean));
    }

    #[test]
    fn the_last_line_with_a_key_leads_on() {
        let keyed = r#"{"transactionKey":"t1","paymentKey":1}"#;
        for (body, next, unreadable) in [
            (format!("[{keyed},{{}},7]"), Some("t1"), 3),
            ("[{}]".to_owned(), None, 1),
            (r#"[{"paymentKey":"p"}]"#.to_owned(), None, 1),
        ] {
            let page = read(&body).unwrap();
            let told = page.next.as_ref().map(ToString::to_string);
            assert_eq!((told.as_deref(), page.unreadable), (next, unreadable));
        }
    }

    #[test]
    fn what_is_no_list_is_no_page() {
        assert_eq!(read("[]"), Ok(ListPage::default()));
        for body in ["", "{}", "null", "["] {
            assert!(matches!(read(body), Err(Cause::Unreadable(_))), "{body}");
        }
        let refused = |status, code: &str| {
            page(&reply(
                status,
                &format!("{{\"code\":\"{code}\",\"message\":\"m\"}}"),
            ))
        };
        let unknown = refused(400, "INVALID_DATE");
        assert!(matches!(unknown, Err(Cause::Unreadable(_))), "{unknown:?}");
        let none = refused(404, "NOT_FOUND_PAYMENT");
        assert!(matches!(none, Err(Cause::Unreadable(_))), "{none:?}");
        let key = refused(401, "UNAUTHORIZED_KEY");
        assert!(matches!(key, Err(Cause::Configuration(_))), "{key:?}");
        let slow = page(&reply(429, "{}"));
        assert!(matches!(slow, Err(Cause::Busy { .. })), "{slow:?}");
        assert_eq!(page(&reply(502, "{}")), Err(Cause::Lost));
    }

    #[test]
    fn dates_are_korean_and_have_no_offset() {
        let start: Timestamp = "2026-03-15T23:59:59.999Z".parse().unwrap();
        let end: Timestamp = "2026-03-16T00:01:00Z".parse().unwrap();
        let after: TransactionKey = "t1".parse().unwrap();
        let question = Question::new(&(start..end), Some(&after), 500);
        assert_eq!(
            question.query(),
            [
                ("startDate", "2026-03-16T08:59:59"),
                ("endDate", "2026-03-16T09:01:00"),
                ("limit", "500"),
                ("startingAfter", "t1"),
            ]
        );
        assert_eq!(Question::new(&(start..end), None, 1).query().len(), 3);
    }
}
