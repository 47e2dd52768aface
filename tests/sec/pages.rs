//! What browsers are told: which pages may call, what a page may do, and what each code means.

use std::time::Duration;

use fantoccini::Locator;
use payflow::presentation::catalogue::{Code, Language};
use reqwest::Method;

use crate::rig::{Answer, Rig, answer};
use crate::support::{Screen, Service, browser};

const PATH: &str = "/api/v1/payments";
const LISTED: &str = "https://shop.example";

async fn preflight(rig: &Rig, origin: &str) -> Answer {
    let request = rig
        .anonymous(Method::OPTIONS, PATH)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header(
            "access-control-request-headers",
            "authorization,idempotency-key",
        );
    answer(request).await
}

async fn called_from(rig: &Rig, origin: &str) -> Answer {
    answer(rig.anonymous(Method::GET, PATH).header("origin", origin)).await
}

#[tokio::test]
async fn without_origins_no_page_may_call() {
    let rig = Rig::new().await;
    let asked = preflight(&rig, LISTED).await;
    assert_eq!((asked.status, asked.code()), (405, "METHOD_NOT_ALLOWED"));
    for answer in [asked, called_from(&rig, LISTED).await] {
        assert_eq!(
            answer.header("access-control-allow-origin"),
            "",
            "{answer:?}"
        );
    }
}

#[tokio::test]
async fn only_the_pages_of_listed_origins_may_call() {
    let setting = "server.cors_origins = [\"https://shop.example\", \"http://localhost:5173\"]\n";
    let rig = Rig::with(setting).await;
    for origin in [LISTED, "http://localhost:5173"] {
        let asked = preflight(&rig, origin).await;
        assert_eq!(asked.status, 200, "{asked:?}");
        assert_eq!(asked.header("access-control-allow-origin"), origin);
        assert!(
            asked
                .header("access-control-allow-headers")
                .contains("idempotency-key")
        );
        assert!(
            asked
                .header("access-control-allow-methods")
                .contains("POST")
        );
        assert_eq!(asked.header("x-trace-id").len(), 32);
        // A refusal is readable for the page, too.
        let called = called_from(&rig, origin).await;
        assert_eq!(called.code(), "CREDENTIALS_MISSING");
        assert_eq!(called.header("access-control-allow-origin"), origin);
        assert!(
            called
                .header("access-control-expose-headers")
                .contains("x-trace-id")
        );
        assert!(called.header("vary").contains("origin"), "{called:?}");
        assert_eq!(called.header("access-control-allow-credentials"), "");
    }
    for stranger in [
        "https://evil.example",
        "http://shop.example",
        "https://shop.example.evil.example",
        "https://shop.example:8443",
        "null",
    ] {
        for answer in [
            preflight(&rig, stranger).await,
            called_from(&rig, stranger).await,
        ] {
            let allowed = answer.header("access-control-allow-origin");
            assert_eq!(allowed, "", "{stranger}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn pages_are_confined_and_answers_are_no_pages() {
    let rig = Rig::new().await;
    for path in [
        "/docs/",
        "/openapi.json",
        "/docs/errors",
        "/docs/errors/OVERLOADED",
    ] {
        let page = answer(rig.anonymous(Method::GET, path)).await;
        assert_eq!(page.status, 200, "{path}");
        let policy = page.header("content-security-policy");
        for directive in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(directive), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe-eval"), "{policy}");
        assert!(
            page.header("permissions-policy").contains("payment=()"),
            "{path}"
        );
        assert_eq!(page.header("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
    }
    for path in [PATH, "/health/live", "/nowhere", "/docs/errors/NOTHING"] {
        let found = rig.get(path).await;
        assert_eq!(found.header("cache-control"), "no-store", "{path}");
        assert_eq!(found.header("x-content-type-options"), "nosniff", "{path}");
        assert!(
            found
                .header("content-security-policy")
                .contains("default-src 'none'"),
            "{path}"
        );
        assert_eq!(found.header("server"), "", "{path}");
    }
}

#[tokio::test]
async fn a_problem_says_what_it_is_and_where_it_is_explained() {
    let rig = Rig::new().await;
    let invalid = r#"{"orderId":"no","amount":-1,"orderName":"a"}"#;
    for (request, code) in [
        (rig.anonymous(Method::GET, "/nowhere"), Code::RouteNotFound),
        (rig.anonymous(Method::DELETE, PATH), Code::MethodNotAllowed),
        (rig.anonymous(Method::GET, PATH), Code::CredentialsMissing),
        (rig.posting(PATH, invalid), Code::InvalidRequest),
        (rig.posting(PATH, "x".repeat(65_537)), Code::BodyTooLarge),
    ] {
        let request = request.header("accept", "application/problem+json");
        let problem = answer(request.header("accept-language", "en")).await;
        let body = &problem.body;
        assert_eq!(problem.header("content-type"), "application/problem+json");
        assert_eq!(problem.status, code.status().as_u16());
        assert_eq!(body["status"], problem.status);
        assert_eq!(body["title"], code.message(Language::English));
        assert_eq!(body["code"], code.as_str());
        let trace = problem.header("x-trace-id");
        assert_eq!(body["traceId"], trace);
        assert_eq!(body["instance"], format!("urn:payflow:trace:{trace}"));
        assert!(
            body["errors"].is_array() && body["message"].is_null(),
            "{body}"
        );
        let kind = body["type"].as_str().unwrap();
        let page = answer(rig.anonymous(Method::GET, kind)).await;
        assert_eq!(page.status, 200, "{kind}");
        assert_eq!(page.body, code.page(), "{kind}");
        if code == Code::InvalidRequest {
            let detail = body["detail"].as_str().unwrap();
            assert!(
                detail.contains("orderId: ") && detail.contains("amount: "),
                "{detail}"
            );
            let errors = body["errors"].as_array().unwrap();
            assert!(
                errors.iter().all(|error| error["message"].is_string()),
                "{errors:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_method_that_is_not_allowed_is_told_which_are() {
    let rig = Rig::new().await;
    for (method, path, allowed) in [
        (Method::DELETE, PATH, "GET"),
        (Method::PUT, "/health/live", "GET"),
        (Method::TRACE, "/health/live", "POST"),
    ] {
        let refused = answer(rig.anonymous(method, path)).await;
        assert_eq!(refused.status, 405, "{path}");
        assert!(
            refused.header("allow").contains(allowed),
            "{path}: {refused:?}"
        );
    }
}

/// The second line of a code's page.
fn headline(code: Code) -> [String; 2] {
    let korean = code.message(Language::Korean);
    let english = code.message(Language::English);
    let messages = format!("· {korean} · {english}");
    let invalid = "In `errors` of a 400 [INVALID_REQUEST](INVALID_REQUEST.md)";
    [
        format!("HTTP {} {messages}", code.status().as_u16()),
        format!("{invalid} {messages}"),
    ]
}

#[test]
fn every_page_says_what_its_code_says_and_what_is_to_be_done() {
    for code in Code::ALL {
        let page = code.page();
        let mut lines = page.lines();
        assert_eq!(lines.next(), Some(format!("# {}", code.as_str()).as_str()));
        assert_eq!(lines.next(), Some(""));
        let line = lines.next().unwrap_or_default();
        assert!(headline(*code).iter().any(|known| known == line), "{line}");
        for section in [
            "## Meaning",
            "## What the caller does",
            "## What the operator does",
        ] {
            let (_, rest) = page
                .split_once(section)
                .unwrap_or_else(|| panic!("{code:?}: {section}"));
            let said = rest.split("\n## ").next().unwrap_or_default().trim();
            assert!(said.len() > 5, "{code:?}: {section} says nothing");
        }
    }
}

#[test]
fn the_index_is_the_catalogue() {
    let rows = Code::ALL.iter().map(|code| {
        let (word, status) = (code.as_str(), code.status().as_u16());
        let message = code.message(Language::English);
        format!("| [{word}]({word}.md) | {status} | {message} |\n")
    });
    let rows = rows.collect::<Vec<_>>().concat();
    let index = include_str!("../../docs/errors/README.md");
    let (_, table) = index.split_once("|---|---|---|\n").unwrap();
    assert_eq!(
        table, rows,
        "the table of docs/errors/README.md has to be\n{rows}"
    );
}

#[tokio::test]
async fn browser_shows_the_documentation_within_its_policy() {
    let service = Service::start(&[]);
    let keys = service.keys().await;
    let browser = browser(Screen::DESKTOP).await;
    let page = browser.client();
    let url = format!("{}/docs/", keys["payflowUrl"].as_str().unwrap());
    page.goto(&url).await.unwrap();
    let operation = page.wait().at_most(Duration::from_secs(20));
    let operation = operation
        .for_element(Locator::Css(".opblock-summary-post"))
        .await
        .unwrap();
    operation.click().await.unwrap();
    let opened = page.wait().at_most(Duration::from_secs(10));
    opened
        .for_element(Locator::Css(".opblock-body"))
        .await
        .unwrap();
}
