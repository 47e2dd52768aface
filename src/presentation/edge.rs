//! Owns what is refused before anybody looks at it: requests that two readers could read in two
//! ways, or that ask for what no server of an API does.

use axum::extract::Request;
use axum::http::header::{
    ALLOW, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST,
    TRANSFER_ENCODING,
};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::catalogue::Code;
use super::envelope::Failure;
use super::extract::IDEMPOTENCY_KEY;
use super::step_up::{DEVICE_ID, STEP_UP_PROOF};
use super::stream::LAST_EVENT_ID;

/// Headers that decide what a request does, so that two of them would be an ambiguity.
const ONCE: [HeaderName; 9] = [
    HOST,
    AUTHORIZATION,
    IDEMPOTENCY_KEY,
    STEP_UP_PROOF,
    DEVICE_ID,
    LAST_EVENT_ID,
    CONTENT_TYPE,
    CONTENT_ENCODING,
    CONTENT_LENGTH,
];

/// Lets only those requests through that can be read in one way.
pub(super) async fn unambiguous(request: Request, next: Next) -> Response {
    match refused(&request) {
        Some(failure) => {
            // Where the next request begins is not certain, either.
            let close = HeaderValue::from_static("close");
            failure.header(CONNECTION, close).into_response()
        }
        None => next.run(request).await,
    }
}

/// Why it is not let through.
///
/// The HTTP library drops a Content-Length beside a Transfer-Encoding before it can be seen here,
/// so every Transfer-Encoding is refused: no API client needs one for bodies this small. Two
/// different Content-Lengths it refuses itself; two equal ones it makes one, and they say the same.
fn refused(request: &Request) -> Option<Failure> {
    let headers = request.headers();
    if matches!(*request.method(), Method::CONNECT | Method::TRACE) {
        let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, DELETE");
        return Some(Failure::from(Code::MethodNotAllowed).header(ALLOW, allowed));
    }
    if headers.contains_key(TRANSFER_ENCODING) {
        return Some(Code::LengthRequired.into());
    }
    let twice = |name: &HeaderName| headers.get_all(name).iter().count() > 1;
    if ONCE.iter().any(twice) {
        return Some(Code::HeaderRepeated.into());
    }
    (!names_its_host(request)).then(|| Code::HostInvalid.into())
}

/// Whether it says for which host it is, once and in a form that everybody reads the same way.
fn names_its_host(request: &Request) -> bool {
    let Some(host) = request.headers().get(HOST) else {
        // Probes of proxies speak HTTP/1.0, which knows no Host.
        return request.version() == Version::HTTP_10;
    };
    let plain = |text: &&str| {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b".-_:[]".contains(&byte);
        text.bytes().all(allowed)
    };
    let authority = host.to_str().ok().filter(plain);
    let authority = authority.and_then(|text| text.parse::<Authority>().ok());
    authority.is_some_and(|host| {
        let elsewhere = |target: &Authority| *target != host;
        !host.host().is_empty() && !request.uri().authority().is_some_and(elsewhere)
    })
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    #[test]
    fn a_host_is_named_once_and_plainly() {
        let named = |target: &str, host: &str| {
            let request = Request::builder().uri(target).header(HOST, host);
            names_its_host(&request.body(Body::empty()).unwrap())
        };
        for host in [
            "a",
            "a:8080",
            "127.0.0.1:80",
            "[::1]:8080",
            "api.example.com",
        ] {
            assert!(named("/", host), "{host}");
        }
        for host in [
            "", "a b", "a,b", "a/b", "user@a", "a?b", "a#b", ":80", "%61",
        ] {
            assert!(!named("/", host), "{host}");
        }
        assert!(named("http://A:80/", "a:80"));
        assert!(!named("http://b/", "a"));
    }
}
