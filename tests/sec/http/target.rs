//! Request lines: methods, targets and versions that no route knows.

use super::{Case, probe};
use crate::rig::SECRET;

const MALFORMED: &str = "REQUEST_MALFORMED";

fn line(first: &str) -> Vec<u8> {
    format!("{first}\r\nHost: a\r\n\r\n").into_bytes()
}

/// With the merchant's secret key.
fn authorised(first: &str) -> Vec<u8> {
    format!("{first}\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n\r\n").into_bytes()
}

/// With an empty object, too.
fn with_body(first: &str) -> Vec<u8> {
    format!(
        "{first}\r\nHost: a\r\nAuthorization: Bearer {SECRET}\r\n\
         Content-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}"
    )
    .into_bytes()
}

pub(super) fn cases() -> Vec<Case> {
    [methods(), targets(), versions()]
        .into_iter()
        .flatten()
        .collect()
}

fn methods() -> Vec<Case> {
    let not_allowed = |name, first| Case::kept(name, line(first), 405, "METHOD_NOT_ALLOWED");
    let never = |name, first| Case::ended(name, line(first), 405, "METHOD_NOT_ALLOWED");
    vec![
        never("CONNECT", "CONNECT a:443 HTTP/1.1"),
        never("TRACE", "TRACE /health/live HTTP/1.1"),
        not_allowed("a method in lower case", "get /health/live HTTP/1.1"),
        not_allowed("a method nobody knows", "BREW /health/live HTTP/1.1"),
        not_allowed("DELETE", "DELETE /api/v1/payments HTTP/1.1"),
        Case::kept(
            "OPTIONS for the server",
            line("OPTIONS * HTTP/1.1"),
            404,
            "ROUTE_NOT_FOUND",
        ),
        Case::ended("no method", line("/health/live HTTP/1.1"), 400, MALFORMED),
        Case::ended(
            "a method of punctuation",
            line("G@T /health/live HTTP/1.1"),
            400,
            MALFORMED,
        ),
    ]
}

fn targets() -> Vec<Case> {
    let nowhere = |name, first| Case::kept(name, authorised(first), 404, "ROUTE_NOT_FOUND");
    let no_payment = |name, first| Case::kept(name, authorised(first), 404, "PAYMENT_NOT_FOUND");
    let malformed = |name, first| Case::ended(name, line(first), 400, MALFORMED);
    vec![
        nowhere(
            "up and down again",
            "GET /api/v1/../../health/live HTTP/1.1",
        ),
        nowhere("up in disguise", "GET /api/%2e%2e/health/live HTTP/1.1"),
        nowhere("an encoded slash", "GET /api/v1%2fpayments HTTP/1.1"),
        nowhere("two slashes", "GET //health/live HTTP/1.1"),
        nowhere("a slash at the end", "GET /api/v1/payments/ HTTP/1.1"),
        nowhere("a backslash", "GET /api\\v1\\payments HTTP/1.1"),
        nowhere("a matrix parameter", "GET /health/live;a=b HTTP/1.1"),
        nowhere("another case", "GET /API/V1/payments HTTP/1.1"),
        no_payment(
            "an encoded slash in an id",
            "GET /api/v1/payments/..%2f..%2fhealth HTTP/1.1",
        ),
        no_payment("an encoded NUL", "GET /api/v1/payments/%00 HTTP/1.1"),
        no_payment(
            "an encoding of no character",
            "GET /api/v1/payments/%ff%fe HTTP/1.1",
        ),
        no_payment("half an encoding", "GET /api/v1/payments/%4 HTTP/1.1"),
        Case::kept(
            "an encoding of no character, of a switch",
            with_body("PUT /api/v1/switches/ca%cels HTTP/1.1"),
            404,
            "SWITCH_NOT_FOUND",
        ),
        nowhere(
            "an encoding of no character, of a page",
            "GET /docs/errors/%ff HTTP/1.1",
        ),
        malformed("a NUL in the target", "GET /health\0/live HTTP/1.1"),
        malformed("a space in the target", "GET /health /live HTTP/1.1"),
        Case::kept(
            "a whole address",
            line("GET http://a/health/live HTTP/1.1"),
            200,
            "OK",
        ),
        Case::ended(
            "another host's address",
            line("GET http://b/health/live HTTP/1.1"),
            400,
            "HOST_INVALID",
        ),
        Case::ended(
            "a file's address",
            line("GET file:///etc/passwd HTTP/1.1"),
            400,
            MALFORMED,
        ),
    ]
}

fn versions() -> Vec<Case> {
    let malformed = |name, first| Case::ended(name, line(first), 400, MALFORMED);
    vec![
        malformed("no version", "GET /health/live"),
        malformed("HTTP/2.0", "GET /health/live HTTP/2.0"),
        malformed("HTTP/1.2", "GET /health/live HTTP/1.2"),
        malformed("a version in lower case", "GET /health/live http/1.1"),
        malformed("another protocol", "EHLO a"),
        Case::dropped("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        Case::ended(
            "the hello of TLS",
            b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".as_slice(),
            400,
            MALFORMED,
        ),
        Case::ended(
            "the last on its connection",
            probe("Host: a\r\nConnection: close\r\n"),
            200,
            "OK",
        ),
    ]
}
