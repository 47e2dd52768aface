//! Owns the payment window's own page, and the one that says why it stopped.

use std::fmt::Write as _;

use axum::response::Response;

use super::html::{escape, fill, grouped, page};
use super::{Preset, texts};
use crate::catalogue::{Language, Refusal};
use crate::redirect::encode;
use crate::sandbox::Sandbox;
use crate::state::payment::{Method, Payment};

const PAYMENT: &str = include_str!("payment.html");
const NUMBER: &str = include_str!("number.html");
const NOTICE: &str = include_str!("notice.html");
const INVALID: &str = " aria-invalid=\"true\" autofocus";
const METHODS: [&str; 5] = [
    "CARD",
    "EASY_PAY",
    "TRANSFER",
    "VIRTUAL_ACCOUNT",
    "MOBILE_PHONE",
];

/// The outcomes offered in the window; a link may preset any other documented code.
const SCENARIOS: [&str; 11] = [
    "REJECT_CARD_PAYMENT",
    "REJECT_CARD_COMPANY",
    "REJECT_ACCOUNT_PAYMENT",
    "INVALID_STOPPED_CARD",
    "INVALID_CARD_EXPIRATION",
    "EXCEED_MAX_DAILY_PAYMENT_COUNT",
    "FDS_ERROR",
    "PROVIDER_ERROR",
    "CARD_PROCESSING_ERROR",
    "FAILED_INTERNAL_SYSTEM_PROCESSING",
    "UNKNOWN_PAYMENT_ERROR",
];

/// The window of a payment that waits for its buyer; the problem is one with the card number.
pub(super) fn payment(
    sandbox: &Sandbox,
    payment: &Payment,
    preset: &Preset,
    (language, problem): (Language, Option<&Refusal>),
) -> Response {
    let texts = texts(language);
    let amount = grouped(payment.total);
    let (methods, scenarios) = (methods(preset, language), scenarios(preset, language));
    let approve = match language {
        Language::Korean => format!("{amount}원 {}", texts.approve),
        Language::English => format!("{} {amount} KRW", texts.approve),
    };
    let content = fill(
        PAYMENT,
        &[
            ("payment_key", &encode(&payment.payment_key)),
            ("lang", texts.language),
            ("order_name", &payment.order_name),
            ("amount", &amount),
            ("won", texts.won),
            ("order", texts.order),
            ("order_id", &payment.order_id),
            ("merchant", texts.merchant),
            ("merchant_id", &sandbox.config.merchant_id),
            ("method", texts.method),
            ("methods", &methods),
            ("number", &number(language, problem)),
            ("scenario", texts.scenario),
            ("scenarios", &scenarios),
            ("scenario_hint", texts.scenario_hint),
            ("approve", &approve),
            ("refuse", texts.refuse),
            ("abandon", texts.abandon),
            ("no_money", texts.no_money),
        ],
    );
    let here = format!("?lang={}", texts.other_language);
    let status = problem.map_or(200, |refusal| refusal.http);
    page(status, texts.payment, (texts, &here), &content)
}

/// The field for a test card's number; the problem is one with what was typed.
pub(super) fn number(language: Language, problem: Option<&Refusal>) -> String {
    let texts = texts(language);
    fill(
        NUMBER,
        &[
            ("card_number", texts.card_number),
            ("card_hint", texts.card_hint),
            ("cards", &cards(language)),
            ("card_state", if problem.is_some() { INVALID } else { "" }),
            ("card_problem", problem.map_or("", |_| texts.card_problem)),
        ],
    )
}

/// Why the window cannot be used, with the gateway's code and words.
pub(super) fn stopped(refusal: &Refusal, language: Language) -> Response {
    let texts = texts(language);
    let rows = rows(&[("code", refusal.code.as_str())]);
    let notice = Notice {
        good: false,
        heading: texts.stopped,
        lead: refusal.message(language),
        foot: texts.no_money,
    };
    let here = format!("?lang={}", texts.other_language);
    page(
        refusal.http,
        texts.stopped,
        (texts, &here),
        &notice.fill(&rows),
    )
}

/// A page that tells one thing.
pub(super) struct Notice<'a> {
    pub(super) good: bool,
    pub(super) heading: &'a str,
    pub(super) lead: &'a str,
    pub(super) foot: &'a str,
}

impl Notice<'_> {
    pub(super) fn fill(&self, rows: &str) -> String {
        fill(
            NOTICE,
            &[
                ("mark_class", if self.good { "" } else { " bad" }),
                ("mark", if self.good { "✓" } else { "!" }),
                ("heading", self.heading),
                ("lead", self.lead),
                ("rows", rows),
                ("foot", self.foot),
            ],
        )
    }
}

/// Names and values, each value under its name as element id.
pub(super) fn rows(values: &[(&str, &str)]) -> String {
    let mut html = String::new();
    for (name, value) in values {
        let _ = write!(
            html,
            "<dt>{name}</dt><dd id=\"{name}\">{}</dd>",
            escape(value)
        );
    }
    html
}

fn methods(preset: &Preset, language: Language) -> String {
    let asked = preset.method.as_deref();
    let asked = asked.and_then(|name| Some((name, Method::named(name)?.korean())));
    let offered = METHODS.into_iter().zip(texts(language).methods);
    // A shop may ask for a method that is not always offered.
    let further = asked.filter(|(name, _)| !METHODS.contains(name));
    let chosen = asked.map_or("CARD", |(name, _)| name);
    let mut html = String::new();
    for (name, label) in offered.chain(further) {
        let checked = if name == chosen { " checked" } else { "" };
        let _ = write!(
            html,
            "<label><input type=\"radio\" name=\"method\" value=\"{name}\"{checked}>\
             <span>{label}</span></label>",
        );
    }
    html
}

fn cards(language: Language) -> String {
    let mut html = String::new();
    for card in crate::cards::all() {
        let story = escape(&card.story(language));
        let _ = write!(
            html,
            "<option value=\"{}\">{story}</option>",
            card.grouped()
        );
    }
    html
}

fn scenarios(preset: &Preset, language: Language) -> String {
    let approved = texts(language).approved;
    let mut html = format!("<option value=\"approve\">{approved}</option>");
    let preset = preset.scenario.as_deref();
    let asked = preset.filter(|code| Refusal::documented(code).is_some());
    let further = asked.filter(|code| !SCENARIOS.contains(code));
    for code in SCENARIOS.into_iter().chain(further) {
        let selected = if asked == Some(code) { " selected" } else { "" };
        let refusal = Refusal::of(code);
        let message = escape(refusal.message(language));
        let _ = write!(
            html,
            "<option value=\"{code}\"{selected}>{message} · {code}</option>"
        );
    }
    html
}
