//! That a canary would be found: each form is written by a program that knows nothing of the
//! search, into lines of the formats that the service writes.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use reqwest::Url;
use reqwest::header::HeaderValue;
use serde_json::json;

use crate::support::canary::Canaries;

const SECRET: &str = "sk_test_pàss+카나리아/word?";

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The lines in which `text` is logged as a message and as fields, pretty and as JSON.
fn logged(text: &str) -> [String; 2] {
    let (pretty, json) = (Written::default(), Written::default());
    let log = || tracing::info!(field = text, debug = ?text, shown = %text, "said: {text}");
    let writer = pretty.clone();
    let lines = tracing_subscriber::fmt().with_ansi(false);
    tracing::subscriber::with_default(lines.with_writer(move || writer.clone()).finish(), log);
    let writer = json.clone();
    let lines = tracing_subscriber::fmt().json().flatten_event(true);
    tracing::subscriber::with_default(lines.with_writer(move || writer.clone()).finish(), log);
    [pretty, json].map(|written| String::from_utf8(written.0.lock().unwrap().clone()).unwrap())
}

/// The secret as programs write it, by how they do.
fn written() -> Vec<(&'static str, String)> {
    let mut form = Url::parse("http://host/").unwrap();
    form.query_pairs_mut().append_pair("key", SECRET);
    let lines = SECRET.as_bytes();
    let hex = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
    };
    let mut written = vec![
        ("as it is", SECRET.to_owned()),
        ("in JSON", json!({ "key": SECRET }).to_string()),
        ("in a form", form.to_string()),
        ("in hex", hex(lines)),
        ("in hex, upper case", hex(lines).to_uppercase()),
        ("as bytes", format!("{lines:?}")),
        (
            "as a header",
            format!("{:?}", HeaderValue::from_bytes(lines).unwrap()),
        ),
        ("as escaped ASCII", lines.escape_ascii().to_string()),
        ("as characters", SECRET.escape_unicode().to_string()),
        ("in Basic", STANDARD.encode(format!("{SECRET}:"))),
    ];
    for before in ["", "a", "ab", "user:", "a longer name:"] {
        for after in ["", ":", "\"}"] {
            let text = format!("{before}{SECRET}{after}");
            written.push(("in base64", STANDARD.encode(&text)));
            written.push(("in base64 without padding", STANDARD_NO_PAD.encode(&text)));
            written.push(("in base64url", URL_SAFE_NO_PAD.encode(&text)));
        }
    }
    written
}

#[test]
fn a_secret_is_found_in_whichever_form_it_is_logged() {
    let canaries = Canaries::of([("the secret", SECRET.as_bytes())]);
    for (how, text) in written() {
        for lines in logged(&text) {
            let hits = canaries.hits("the log", &lines);
            assert!(!hits.is_empty(), "not found {how}: {lines}");
            assert!(hits[0].contains("the secret"), "{hits:?}");
        }
    }
}

#[test]
fn what_only_resembles_a_secret_is_not_found() {
    let canaries = Canaries::of([("the secret", SECRET.as_bytes())]);
    let other = SECRET.replace("word", "ward");
    for text in [
        other.clone(),
        STANDARD.encode(&other),
        "sk_test_".to_owned(),
    ] {
        for lines in logged(&text) {
            assert!(canaries.hits("the log", &lines).is_empty(), "{lines}");
        }
    }
}
