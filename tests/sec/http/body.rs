//! Bodies that parsers choke on, or read in two ways.

use super::{Case, json};
use crate::rig::SECRET;

pub(super) fn cases() -> Vec<Case> {
    [kinds(), documents(), values()]
        .into_iter()
        .flatten()
        .collect()
}

/// A body of two bytes under this type, with these header lines.
fn typed(kind: &str, more: &str) -> Vec<u8> {
    format!(
        "POST /api/v1/payments HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n\
         {kind}{more}Content-Length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}

fn kinds() -> Vec<Case> {
    let json = "Content-Type: application/json\r\n";
    let refused =
        |name, kind: &str, more| Case::kept(name, typed(kind, more), 415, "UNSUPPORTED_MEDIA_TYPE");
    let taken = |name, kind: &str| Case::kept(name, typed(kind, ""), 400, "INVALID_REQUEST");
    vec![
        refused("no type", "", ""),
        refused(
            "a form",
            "Content-Type: application/x-www-form-urlencoded\r\n",
            "",
        ),
        refused(
            "parts",
            "Content-Type: multipart/form-data; boundary=x\r\n",
            "",
        ),
        refused(
            "plain text, which pages may send anywhere",
            "Content-Type: text/plain\r\n",
            "",
        ),
        refused("almost JSON", "Content-Type: application/jsonp\r\n", ""),
        refused(
            "JSON in another charset",
            "Content-Type: application/json; charset=euc-kr\r\n",
            "",
        ),
        refused(
            "JSON in UTF-7",
            "Content-Type: application/json; charset=utf-7\r\n",
            "",
        ),
        refused("a gzipped body", json, "Content-Encoding: gzip\r\n"),
        refused(
            "a body gzipped twice",
            json,
            "Content-Encoding: gzip, gzip\r\n",
        ),
        taken(
            "JSON in capitals",
            "Content-Type: APPLICATION/JSON;charset=UTF-8\r\n",
        ),
        taken(
            "JSON in a quoted charset",
            "Content-Type: application/json; charset=\"utf-8\"\r\n",
        ),
    ]
}

fn documents() -> Vec<Case> {
    let malformed = |name, body: &[u8]| Case::kept(name, json(body), 400, "MALFORMED_JSON");
    let doubled =
        |name, body: &str| Case::kept(name, json(body.as_bytes()), 400, "DUPLICATE_JSON_KEY");
    let fields: Vec<String> = (0..6_000)
        .map(|number| format!("\"k{number}\":1"))
        .collect();
    let fields = format!("{{{}}}", fields.join(","));
    vec![
        malformed("nothing", b""),
        malformed("a bomb of depth", "[".repeat(65_536).as_bytes()),
        malformed("a bomb of objects", r#"{"a":"#.repeat(13_000).as_bytes()),
        malformed("a bomb of width", fields.as_bytes()),
        malformed("a byte order mark", b"\xef\xbb\xbf{}"),
        malformed("something after the end", b"{}{}"),
        malformed("a NUL after the end", b"{}\0"),
        malformed("a comma too many", b"{\"amount\":1,}"),
        malformed("a comment", b"{/**/}"),
        malformed("single quotes", b"{'amount':1}"),
        malformed("UTF-16", b"\xff\xfe{\0}\0"),
        malformed(
            "bytes that are no character",
            b"{\"orderName\":\"\xc3\x28\"}",
        ),
        malformed("half a surrogate", br#"{"orderName":"\ud800"}"#),
        malformed("not a number", b"{\"amount\":NaN}"),
        malformed("infinity", b"{\"amount\":Infinity}"),
        malformed("a number with a zero in front", b"{\"amount\":010}"),
        malformed("a number beyond all", b"{\"amount\":1e999999999}"),
        doubled("an amount, twice", r#"{"amount":1,"amount":2}"#),
        doubled(
            "an amount, twice, once in disguise",
            r#"{"amount":1,"\u0061mount":2}"#,
        ),
        doubled(
            "a name, twice, further in",
            r#"{"customer":{"name":"a","name":"b"}}"#,
        ),
    ]
}

fn values() -> Vec<Case> {
    let invalid =
        |name, body: &str| Case::kept(name, json(body.as_bytes()), 400, "INVALID_REQUEST");
    let digits = format!(r#"{{"amount":{}}}"#, "9".repeat(60_000));
    let tiny = format!(r#"{{"amount":0.{}1}}"#, "0".repeat(60_000));
    vec![
        invalid("null", "null"),
        invalid("a list", "[]"),
        invalid("a text", "\"{}\""),
        Case::kept(
            "60,000 digits",
            json(digits.as_bytes()),
            400,
            "MALFORMED_JSON",
        ),
        invalid("60,000 digits after the point", &tiny),
        invalid(
            "one more than 64 bits",
            r#"{"amount":18446744073709551616}"#,
        ),
        invalid("minus nothing", r#"{"amount":-0}"#),
        invalid("a NUL in a text", r#"{"orderName":"a\u0000b"}"#),
        invalid(
            "a prototype",
            r#"{"__proto__":{"amount":1},"constructor":1}"#,
        ),
        invalid("a card's number", r#"{"orderName":"4111 1111 1111 1111"}"#),
    ]
}
