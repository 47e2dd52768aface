//! Owns the form of every answer: the envelope or problem details, in the caller's language.

use axum::body::Body;
use axum::http::header::{ACCEPT, ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::catalogue::{Code, Language};
use super::envelope::{Failure, OK, Reply, Unrendered};

const JSON: &str = "application/json";
const PROBLEM: &str = "application/problem+json";

/// How a caller wants to be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    language: Language,
    problem: bool,
}

/// An answer in its form, not yet on its way.
pub(super) struct Rendered<'a> {
    status: StatusCode,
    headers: &'a HeaderMap,
    kind: &'static str,
    language: &'static str,
    /// The body.
    pub(super) body: String,
}

impl Rendered<'_> {
    /// What says of the body what it is.
    pub(super) const fn described(&self) -> [(HeaderName, &'static str); 2] {
        [(CONTENT_TYPE, self.kind), (CONTENT_LANGUAGE, self.language)]
    }

    /// The finished answer.
    pub(super) fn into_response(self) -> Response {
        let described = self.described();
        let mut response = Response::new(Body::from(self.body));
        *response.status_mut() = self.status;
        response.headers_mut().extend(self.headers.clone());
        for (name, value) in described {
            let value = HeaderValue::from_static(value);
            response.headers_mut().insert(name, value);
        }
        response
    }
}

impl Manner {
    /// What is used where nobody can be asked.
    pub(super) const PLAIN: Self = Self {
        language: Language::Korean,
        problem: false,
    };

    /// What these request headers ask for.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        Self {
            language: language_of(headers),
            problem: wants_problem(headers),
        }
    }

    /// The answer in its form.
    pub(super) fn render<'a>(self, unrendered: &'a Unrendered, trace: &str) -> Rendered<'a> {
        let (status, headers, kind, body) = match unrendered {
            Unrendered::Reply(reply) => {
                let body = self.success(reply, trace);
                (reply.status, &reply.headers, JSON, body)
            }
            Unrendered::Failure(failure) => {
                let (kind, body) = if self.problem {
                    (PROBLEM, self.problem(failure, trace))
                } else {
                    (JSON, self.failure(failure, trace))
                };
                let status = failure.code().status();
                (status, &failure.more.headers, kind, body.to_string())
            }
        };
        Rendered {
            status,
            headers,
            kind,
            language: match self.language {
                Language::Korean => "ko",
                Language::English => "en",
            },
            body,
        }
    }

    fn success(self, reply: &Reply, trace: &str) -> String {
        let message = reply.code.map_or_else(
            || match self.language {
                Language::Korean => "정상 처리되었습니다.",
                Language::English => "Done.",
            },
            |code| code.message(self.language),
        );
        let code = reply.code.map_or(OK, Code::as_str);
        let data = &reply.data;
        // `data` is JSON already; the other three hold nothing that JSON has to escape.
        format!(r#"{{"code":"{code}","message":"{message}","data":{data},"traceId":"{trace}"}}"#)
    }

    fn errors(self, failure: &Failure) -> Vec<Value> {
        let fields = failure.more.fields.iter().map(|error| {
            json!({
                "field": error.field,
                "code": error.code.as_str(),
                "message": error.code.message(self.language),
            })
        });
        fields.chain(failure.more.errors.iter().cloned()).collect()
    }

    fn failure(self, failure: &Failure, trace: &str) -> Value {
        let mut body = json!({
            "code": failure.code().as_str(),
            "message": failure.code().message(self.language),
            "errors": self.errors(failure),
            "traceId": trace,
        });
        if let (Some(data), Some(body)) = (&failure.more.data, body.as_object_mut()) {
            body.insert("data".to_owned(), data.clone());
        }
        body
    }

    /// RFC 9457, with the members of the envelope besides.
    fn problem(self, failure: &Failure, trace: &str) -> Value {
        let mut body = self.failure(failure, trace);
        let code = failure.code();
        if let Some(body) = body.as_object_mut() {
            let title = body.remove("message").unwrap_or_default();
            for (name, value) in [
                ("type", Value::from(page_of(code))),
                ("title", title),
                ("status", Value::from(code.status().as_u16())),
                ("detail", Value::from(self.detail(failure))),
                ("instance", Value::from(occurrence(trace))),
            ] {
                body.insert(name.to_owned(), value);
            }
        }
        body
    }

    /// What is wrong this time: every field with its message, else what the code says.
    fn detail(self, failure: &Failure) -> String {
        let fields = failure.more.fields.iter();
        let lines: Vec<String> = fields
            .map(|error| format!("{}: {}", error.field, error.code.message(self.language)))
            .collect();
        if lines.is_empty() {
            failure.code().message(self.language).to_owned()
        } else {
            lines.join(" ")
        }
    }
}

/// Where a code is explained, on this service.
pub(super) fn page_of(code: Code) -> String {
    format!("/docs/errors/{}", code.as_str())
}

/// The name of one failure: its trace, as a URI.
pub(super) fn occurrence(trace: &str) -> String {
    format!("urn:payflow:trace:{trace}")
}

/// Whether problem details are asked for, and nothing suggests that the envelope is liked better.
fn wants_problem(headers: &HeaderMap) -> bool {
    let weight = |kind: &str| {
        let ranges = texts(headers, &ACCEPT).flat_map(ranges);
        let named = ranges.filter(|(range, _)| range.eq_ignore_ascii_case(kind));
        named.map(|(_, weight)| weight).max()
    };
    let problem = weight(PROBLEM).unwrap_or(0);
    problem > 0 && problem >= weight(JSON).unwrap_or(0)
}

/// Korean, unless English is asked for before it.
fn language_of(headers: &HeaderMap) -> Language {
    let wanted = texts(headers, &ACCEPT_LANGUAGE)
        .flat_map(ranges)
        .filter(|(_, weight)| *weight > 0)
        .filter_map(|(range, weight)| {
            let tag = range.split('-').next().unwrap_or_default();
            match tag.to_ascii_lowercase().as_str() {
                "ko" => Some((weight, Language::Korean)),
                "en" => Some((weight, Language::English)),
                _ => None,
            }
        })
        // The first of those that weigh the most.
        .fold(None, |best: Option<(u32, Language)>, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            Some(_) | None => Some(next),
        });
    wanted.map_or(Language::Korean, |(_, language)| language)
}

/// The ranges of an `Accept…` header with their weights in thousandths.
fn ranges(text: &str) -> impl Iterator<Item = (&str, u32)> {
    text.split(',').map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        (name, weight.map_or(1000, millis_of))
    })
}

/// The weight `0.8` in thousandths; what is not below one counts in full.
fn millis_of(weight: &str) -> u32 {
    match weight.split_once('.').unwrap_or((weight, "")) {
        ("0", fraction) => {
            let thousandths = format!("{fraction:0<3}");
            let thousandths = thousandths.get(..3).and_then(|digits| digits.parse().ok());
            thousandths.unwrap_or(0)
        }
        _ => 1000,
    }
}

fn texts<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(name)
        .into_iter()
        .filter_map(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: HeaderName, text: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(text))])
    }

    #[test]
    fn language_is_korean_unless_english_is_preferred() {
        let language = |text| language_of(&with(ACCEPT_LANGUAGE, text));
        assert_eq!(language_of(&HeaderMap::new()), Language::Korean);
        for korean in [
            "ko",
            "fr",
            "*",
            "ko-KR,en;q=0.8",
            "en;q=0.2, ko;q=0.9",
            "en;q=0",
            "en;q=0.000",
        ] {
            assert_eq!(language(korean), Language::Korean, "{korean}");
        }
        for english in ["en", "en-US,ko;q=0.5", "fr,en;q=0.1", "ko;q=0.3,EN;q=0.35"] {
            assert_eq!(language(english), Language::English, "{english}");
        }
    }

    #[test]
    fn problem_details_are_for_those_who_ask_for_them() {
        let problem = |text| wants_problem(&with(ACCEPT, text));
        assert!(!wants_problem(&HeaderMap::new()));
        for asked in [
            "application/problem+json",
            "Application/Problem+JSON; q=0.5",
            "application/json, application/problem+json",
            "application/json;q=0.9, application/problem+json;charset=utf-8;q=0.9",
        ] {
            assert!(problem(asked), "{asked}");
        }
        for not_asked in [
            "*/*",
            "application/json",
            "application/problem+json;q=0",
            "application/problem+json;q=0.1, application/json",
            "application/problem+jsonp",
        ] {
            assert!(!problem(not_asked), "{not_asked}");
        }
    }
}
