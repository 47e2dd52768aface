//! Owns how pages are put together: templates whose values are escaped unless marked as HTML.

use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY};
use axum::http::{HeaderName, StatusCode};
use axum::response::{Html, IntoResponse as _, Response};

use super::texts::Texts;

const LAYOUT: &str = include_str!("layout.html");
const STYLE: &str = include_str!("style.css");

/// Forms lead to the shop's own address, so that one cannot be listed beforehand.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; \
                      form-action http: https:; base-uri 'none'";

/// Fills a template in one pass: `{{name}}` is escaped, `{{!name}}` is HTML already.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len().saturating_mul(2));
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        page.push_str(before);
        let (name, tail) = after
            .split_once("}}")
            .expect("templates close what they open");
        let plain = name.strip_prefix('!');
        let wanted = plain.unwrap_or(name);
        let value = values
            .iter()
            .find(|(name, _)| *name == wanted)
            .map(|(_, value)| *value);
        let value = value.expect("templates name only values they are given");
        match plain {
            Some(_) => page.push_str(value),
            None => page.push_str(&escape(value)),
        }
        rest = tail;
    }
    page.push_str(rest);
    page
}

/// A whole page around its content; `here` is the address in the other language.
pub(super) fn page(
    status: u16,
    title: &str,
    (texts, here): (&Texts, &str),
    content: &str,
) -> Response {
    let values = [
        ("lang", texts.language),
        ("title", title),
        ("style", STYLE),
        ("test", texts.test),
        ("language_link", here),
        ("language_name", texts.other_language_name),
        ("content", content),
    ];
    let headers: [(HeaderName, &str); 4] = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, POLICY),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
    ];
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, Html(fill(LAYOUT, &values))).into_response()
}

/// Text as it may stand in HTML and in quoted attributes.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// Digits in groups of three.
pub(super) fn grouped(amount: i64) -> String {
    let digits = amount.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(index);
        if index > 0 && left.checked_rem(3) == Some(0) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{escape, fill, grouped};

    #[test]
    fn values_are_escaped_and_never_read_as_templates() {
        let values = [("a", "<b>{{c}}"), ("c", "secret")];
        assert_eq!(
            fill("x {{a}} {{!a}} y", &values),
            "x &lt;b&gt;{{c}} <b>{{c}} y"
        );
        assert_eq!(escape("\"'&"), "&quot;&#39;&amp;");
    }

    #[test]
    fn amounts_are_grouped() {
        let amounts = [
            (5, "5"),
            (123, "123"),
            (1234, "1,234"),
            (1_234_567, "1,234,567"),
        ];
        for (amount, text) in amounts {
            assert_eq!(grouped(amount), text);
        }
    }
}
