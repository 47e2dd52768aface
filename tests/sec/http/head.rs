//! Header lines: malformed, doubled, too many, too long, too late.

use super::{Case, post, probe};
use crate::rig::SECRET;

const MALFORMED: &str = "REQUEST_MALFORMED";

pub(super) fn cases() -> Vec<Case> {
    [
        syntax(),
        doubled(),
        hosts(),
        sizes(),
        meanings(),
        credentials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn syntax() -> Vec<Case> {
    let malformed = |name, line: &str| {
        let lines = format!("Host: a\r\n{line}\r\n");
        Case::ended(name, probe(&lines), 400, MALFORMED)
    };
    vec![
        malformed("a folded line", "X-A: 1\r\n 2"),
        malformed("a folded line with a tab", "X-A: 1\r\n\t2"),
        malformed("a bare CR", "X-A: 1\rX-B: 2"),
        malformed("a NUL", "X-A: 1\u{0}2"),
        malformed("a bell", "X-A: 1\u{7}2"),
        malformed("a control character in a name", "X-\u{1}A: 1"),
        malformed("a space in a name", "X A: 1"),
        malformed("a space before the colon", "X-A : 1"),
        malformed("no colon", "X-A"),
        malformed("no name", ": 1"),
        malformed("a name in Korean", "이름: 1"),
        Case::ended(
            "a space before the first line",
            probe(" X-A: 1\r\nHost: a\r\n"),
            400,
            MALFORMED,
        ),
        // RFC 9112 lets a server take it for a line's end, as everybody does.
        Case::kept(
            "bare LF",
            "GET /health/live HTTP/1.1\nHost: a\n\n",
            200,
            "OK",
        ),
        Case::ended(
            "a bare LF within a value ends it",
            probe("Host: a\r\nX-A: 1\nTransfer-Encoding: chunked\r\n"),
            411,
            "LENGTH_REQUIRED",
        ),
    ]
}

/// Headers that decide what a request does come once.
fn doubled() -> Vec<Case> {
    let repeated = |name, line: &str| {
        let lines = format!("{line}\r\nContent-Length: 2\r\n");
        Case::ended(name, post(&lines, "{}"), 400, "HEADER_REPEATED")
    };
    vec![
        repeated("two secrets", "Authorization: Bearer sk_test_two"),
        repeated(
            "one secret, twice",
            &format!("authorization: Bearer {SECRET}"),
        ),
        repeated("two keys", "Idempotency-Key: a\r\nIdempotency-Key: b"),
        repeated("two types", "Content-Type: text/xml"),
        repeated(
            "two codings",
            "Content-Encoding: identity\r\nContent-Encoding: gzip",
        ),
        repeated("two hosts", "Host: b"),
        repeated("one host, twice", "Host: a"),
    ]
}

fn hosts() -> Vec<Case> {
    let invalid = |name, lines: &str| Case::ended(name, probe(lines), 400, "HOST_INVALID");
    vec![
        invalid("no host", ""),
        invalid("an empty host", "Host:\r\n"),
        invalid("a list of hosts", "Host: a, b\r\n"),
        invalid("a host with a user", "Host: a@b\r\n"),
        invalid("a host with a path", "Host: a/b\r\n"),
        invalid("a host that is not text", "Host: \u{ff}\r\n"),
        Case::kept(
            "a host with a port",
            probe("Host: [::1]:8080\r\n"),
            200,
            "OK",
        ),
        Case::ended(
            "HTTP/1.0 without a host",
            "GET /health/live HTTP/1.0\r\n\r\n",
            200,
            "OK",
        ),
    ]
}

fn sizes() -> Vec<Case> {
    let too_large = |name, lines: &str| {
        let lines = format!("Host: a\r\n{lines}");
        Case::ended(name, probe(&lines), 431, "HEAD_TOO_LARGE")
    };
    let filled = |count| "X-A: 1\r\n".repeat(count);
    let long = |length| format!("X-A: {}\r\n", "x".repeat(length));
    let target = "x".repeat(20_000);
    vec![
        Case::kept(
            "100 headers",
            probe(&format!("Host: a\r\n{}", filled(99))),
            200,
            "OK",
        ),
        too_large("101 headers", &filled(100)),
        too_large("1,000 headers", &filled(1_000)),
        too_large("a header of 17 KiB", &long(17 * 1024)),
        too_large("a header of 200 KB", &long(200_000)),
        Case::ended(
            "a target of 20 KB",
            format!("GET /{target} HTTP/1.1\r\nHost: a\r\n\r\n"),
            431,
            "HEAD_TOO_LARGE",
        ),
        Case::ended(
            "a method of 20 KB",
            format!("{target} / HTTP/1.1\r\n"),
            431,
            "HEAD_TOO_LARGE",
        ),
        Case::dropped("half a head, slowly", "GET /health/live HTTP/1.1\r\nHo"),
        Case::dropped("no head at all", ""),
        Case::dropped(
            "half a head, and no more",
            "GET /health/live HTTP/1.1\r\nHo",
        )
        .half_closed(),
    ]
}

/// Headers that must not mean what others let them mean.
fn meanings() -> Vec<Case> {
    let asked = |name, line: &str| {
        let lines = format!("Host: a\r\n{line}\r\n");
        Case::kept(name, probe(&lines), 200, "OK")
    };
    let websocket = "Connection: Upgrade\r\nUpgrade: websocket";
    let http_2 = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMA";
    let elsewhere = "X-Original-URL: /metrics\r\nX-Rewrite-URL: /metrics";
    let overridden = "X-HTTP-Method-Override: GET\r\nX-Method-Override: GET\r\n";
    let overridden = post(&format!("{overridden}Content-Length: 2\r\n"), "{}");
    let expecting = post("Expect: 100-continue\r\nContent-Length: 2\r\n", "{}");
    let too_much = post("Expect: 100-continue\r\nContent-Length: 65537\r\n", "");
    let key = post("Idempotency-Key: \u{fc}\r\nContent-Length: 2\r\n", "{}");
    vec![
        asked("an upgrade to WebSocket", websocket),
        asked("an upgrade to HTTP/2", http_2),
        asked("another path by header", elsewhere),
        Case::kept(
            "another method by header",
            overridden,
            400,
            "INVALID_REQUEST",
        ),
        Case::kept("a body on demand", expecting, 400, "INVALID_REQUEST").after(100, ""),
        Case::ended(
            "too large a body on demand",
            too_much,
            413,
            "BODY_TOO_LARGE",
        ),
        Case::kept(
            "a key that is not ASCII",
            key,
            400,
            "IDEMPOTENCY_KEY_MALFORMED",
        ),
    ]
}

fn credentials() -> Vec<Case> {
    let refused = |name, line: &str, code| {
        let head = "GET /api/v1/payments HTTP/1.1\r\nHost: a\r\n";
        Case::kept(name, format!("{head}{line}\r\n\r\n"), 401, code)
    };
    let long = format!("Authorization: Bearer {}", "s".repeat(10_000));
    let word = "X-User-Id: 1\r\nX-Authorization-Id: 1\r\nForwarded: for=127.0.0.1";
    let malformed = "CREDENTIALS_MALFORMED";
    vec![
        refused(
            "a secret that is not ASCII",
            "Authorization: Bearer \u{fc}",
            malformed,
        ),
        refused(
            "a secret in another scheme",
            "Authorization: Digest sk_test_one",
            malformed,
        ),
        refused(
            "a secret with a space",
            "Authorization: Bearer sk_test _one",
            "API_KEY_UNKNOWN",
        ),
        refused("a secret of 10 KB", &long, "API_KEY_UNKNOWN"),
        refused(
            "a secret in a cookie",
            "Cookie: secretKey=sk_test_one",
            "CREDENTIALS_MISSING",
        ),
        refused(
            "a stranger's word for who it is",
            word,
            "CREDENTIALS_MISSING",
        ),
    ]
}
