//! Owns the pages the window leads to where no shop exists, and the sandbox's front page.

use std::collections::HashMap;

use axum::extract::Query;
use axum::http::HeaderMap;
use axum::response::Response;

use super::html::{fill, page};
use super::view::{Notice, rows};
use super::{language, texts};

const HOME: &str = include_str!("home.html");

type Parameters = HashMap<String, String>;

/// Shows what a shop's success page would be given.
pub(super) async fn success(Query(given): Query<Parameters>, headers: HeaderMap) -> Response {
    let texts = texts(language(given.get("lang").map(String::as_str), &headers));
    let notice = Notice {
        good: true,
        heading: texts.success,
        lead: texts.success_lead,
        foot: texts.landing_foot,
    };
    let names = [
        "paymentKey",
        "orderId",
        "amount",
        "paymentType",
        "customerKey",
        "authKey",
    ];
    land(&notice, &given, &names, &headers)
}

/// Shows what a shop's fail page would be given.
pub(super) async fn fail(Query(given): Query<Parameters>, headers: HeaderMap) -> Response {
    let texts = texts(language(given.get("lang").map(String::as_str), &headers));
    let message = given.get("message").map(String::as_str).unwrap_or_default();
    let notice = Notice {
        good: false,
        heading: texts.failed,
        lead: message,
        foot: texts.landing_foot,
    };
    land(&notice, &given, &["code", "orderId"], &headers)
}

/// What this server is, for who opens its address in a browser.
pub(crate) async fn home(Query(given): Query<Parameters>, headers: HeaderMap) -> Response {
    let texts = texts(language(given.get("lang").map(String::as_str), &headers));
    let [
        confirm,
        read,
        cancel,
        lists,
        window,
        accounts,
        billing,
        authorize,
        records,
        controls,
    ] = texts.home_rows;
    let values = [
        ("heading", texts.home),
        ("lead", texts.home_lead),
        ("confirm", confirm),
        ("read", read),
        ("cancel", cancel),
        ("lists", lists),
        ("window", window),
        ("accounts", accounts),
        ("billing", billing),
        ("authorize", authorize),
        ("records", records),
        ("controls", controls),
    ];
    let here = format!("?lang={}", texts.other_language);
    page(200, "toss-sandbox", (texts, &here), &fill(HOME, &values))
}

fn land(notice: &Notice, given: &Parameters, names: &[&str], headers: &HeaderMap) -> Response {
    let texts = texts(language(given.get("lang").map(String::as_str), headers));
    let shown: Vec<(&str, &str)> = names
        .iter()
        .filter_map(|name| given.get(*name).map(|value| (*name, value.as_str())))
        .collect();
    let mut other: Vec<(&str, &str)> = given
        .iter()
        .filter(|(name, _)| *name != "lang")
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    other.sort_unstable();
    other.push(("lang", texts.other_language));
    let here = crate::redirect::with_parameters("", &other);
    page(
        200,
        notice.heading,
        (texts, &here),
        &notice.fill(&rows(&shown)),
    )
}
