//! Where one request ends and the next begins: nobody may see it differently.

use super::{Case, json, post, probe};

const MALFORMED: &str = "REQUEST_MALFORMED";
const CHUNKED: &str = "2\r\n{}\r\n0\r\n\r\n";
/// A body that is a request to whoever believes the other header.
const SMUGGLED: &str = "0\r\n\r\nGET /health/live HTTP/1.1\r\nHost: a\r\n\r\n";

pub(super) fn cases() -> Vec<Case> {
    [encodings(), lengths(), sequences()]
        .into_iter()
        .flatten()
        .collect()
}

/// Transfer-Encoding, in every spelling that somebody could read otherwise.
fn encodings() -> Vec<Case> {
    let length = |headers: &str| post(headers, SMUGGLED);
    let refused = |name, headers| Case::ended(name, post(headers, CHUNKED), 411, "LENGTH_REQUIRED");
    let malformed = |name, headers| Case::ended(name, post(headers, CHUNKED), 400, MALFORMED);
    vec![
        Case::ended(
            "CL.TE",
            length("Content-Length: 43\r\nTransfer-Encoding: chunked\r\n"),
            411,
            "LENGTH_REQUIRED",
        ),
        Case::ended(
            "TE.CL",
            length("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"),
            411,
            "LENGTH_REQUIRED",
        ),
        refused("chunks", "Transfer-Encoding: chunked\r\n"),
        refused("chunks in capitals", "TRANSFER-ENCODING: CHUNKED\r\n"),
        refused("chunks after gzip", "Transfer-Encoding: gzip, chunked\r\n"),
        refused(
            "two encodings",
            "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n",
        ),
        malformed("chunks before another", "Transfer-Encoding: chunked, x\r\n"),
        malformed("an unknown encoding", "Transfer-Encoding: xchunked\r\n"),
        malformed("an empty encoding", "Transfer-Encoding:\r\n"),
        malformed(
            "a space before the colon",
            "Transfer-Encoding : chunked\r\n",
        ),
        malformed("a vertical tab", "Transfer-Encoding:\u{b}chunked\r\n"),
        malformed("a folded encoding", "Transfer-Encoding:\r\n chunked\r\n"),
        Case::ended(
            "chunks in HTTP/1.0",
            "POST /api/v1/payments HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
            MALFORMED,
        ),
    ]
}

fn lengths() -> Vec<Case> {
    let malformed = |name, headers| Case::ended(name, post(headers, "{}"), 400, MALFORMED);
    vec![
        malformed("two lengths", "Content-Length: 2\r\nContent-Length: 3\r\n"),
        malformed("a list of lengths", "Content-Length: 2, 2\r\n"),
        malformed("a length with a sign", "Content-Length: +2\r\n"),
        malformed("a negative length", "Content-Length: -2\r\n"),
        malformed("a hexadecimal length", "Content-Length: 0x2\r\n"),
        malformed("no length", "Content-Length:\r\n"),
        malformed("a length in words", "Content-Length: two\r\n"),
        malformed(
            "a length beyond 64 bits",
            "Content-Length: 99999999999999999999\r\n",
        ),
        // They say the same: there is nothing to be read in two ways.
        Case::kept(
            "one length, twice",
            post("Content-Length: 2\r\nContent-Length: 2\r\n", "{}"),
            400,
            "INVALID_REQUEST",
        ),
        Case::ended(
            "a body one too large",
            post("Content-Length: 65537\r\n", "{}"),
            413,
            "BODY_TOO_LARGE",
        ),
        Case::ended(
            "a body of exabytes",
            post("Content-Length: 9223372036854775807\r\n", "{}"),
            413,
            "BODY_TOO_LARGE",
        ),
        Case::ended(
            "a body that never comes",
            post("Content-Length: 10\r\n", "{"),
            408,
            "BODY_TIMEOUT",
        ),
        Case::ended(
            "half a body, and no more",
            post("Content-Length: 10\r\n", "{"),
            400,
            "MALFORMED_BODY",
        )
        .half_closed(),
        Case::kept(
            "a body where none is read",
            probe("Host: a\r\nContent-Length: 5\r\n\r\nhello")
                .strip_suffix(b"\r\n")
                .unwrap(),
            200,
            "OK",
        ),
    ]
}

/// Several requests on one connection, each answered once and in order.
fn sequences() -> Vec<Case> {
    let live = probe("Host: a\r\n");
    let with = |first: &[u8], second: &[u8]| [first, second].concat();
    vec![
        Case::kept("two at once", with(&live, &live), 200, "OK").after(200, "OK"),
        Case::kept("a body, then another", with(&json(b"{}"), &live), 200, "OK")
            .after(400, "INVALID_REQUEST"),
        Case::ended(
            "nonsense after one",
            with(&live, b"\0\0\0\0\r\n\r\n"),
            400,
            MALFORMED,
        )
        .after(200, "OK"),
        Case::ended(
            "a refusal, then another",
            with(&probe("Host:\r\n"), &live),
            400,
            "HOST_INVALID",
        ),
        Case::ended("the last one", live.clone(), 200, "OK").half_closed(),
        Case::kept(
            "a request in a body",
            json(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n"),
            400,
            "MALFORMED_JSON",
        ),
        Case::kept("empty lines before it", with(b"\r\n\r\n", &live), 200, "OK"),
    ]
}
