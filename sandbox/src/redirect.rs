//! Owns the way back from the payment window: checked addresses and their added parameters.

use std::fmt::Write as _;

use axum::http::Uri;

/// Whether a browser may be sent there: http or https, with a host and without credentials.
pub(crate) fn is_absolute(url: &str) -> bool {
    let Ok(uri) = encode_text(url).parse::<Uri>() else {
        return false;
    };
    let scheme = uri.scheme_str().unwrap_or_default();
    let authority = uri
        .authority()
        .map(axum::http::uri::Authority::as_str)
        .unwrap_or_default();
    matches!(scheme, "http" | "https") && !authority.is_empty() && !authority.contains('@')
}

/// The address with parameters added to its query, before any fragment.
pub(crate) fn with_parameters(url: &str, parameters: &[(&str, &str)]) -> String {
    let (address, fragment) = match url.split_once('#') {
        Some((address, fragment)) => (address, Some(fragment)),
        None => (url, None),
    };
    let mut target = encode_text(address);
    let mut separator = if address.contains('?') { '&' } else { '?' };
    for (name, value) in parameters {
        target.push(separator);
        target.push_str(&encode(name));
        target.push('=');
        target.push_str(&encode(value));
        separator = '&';
    }
    if let Some(fragment) = fragment {
        target.push('#');
        target.push_str(&encode_text(fragment));
    }
    target
}

/// Percent-encodes everything but unreserved characters.
pub(crate) fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    encode_unless(text, plain)
}

/// Percent-encodes only what cannot stand in a header: the address itself is the caller's.
fn encode_text(url: &str) -> String {
    encode_unless(url, |byte| byte.is_ascii_graphic())
}

fn encode_unless(text: &str, plain: impl Fn(u8) -> bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if plain(byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}
