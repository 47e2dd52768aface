//! Owns the markup of subscriptions: what there is to subscribe to, and what somebody has.

use chrono::TimeDelta;
use maud::{Markup, PreEscaped, html};

use super::{Head, Page, page, token};
use crate::cards::company;
use crate::intent::State;
use crate::membership::{ALREADY_SUBSCRIBED, Membership, Purpose, Registering};
use crate::payflow::{Plan, Subscription};
use crate::web::visitor::Visitor;
use crate::words::membership::Membership as Words;
use crate::words::{Saying, Words as Shared};

const BAG: &str = include_str!("../../../assets/bag.svg");
/// For how long a payment can be had back.
const REFUND_DAYS: i64 = 7;
/// How many dates ahead are shown at once.
const NEXT_SHOWN: usize = 3;

/// A page that opens the gateway's window for a card.
pub(crate) struct WithCard<'a> {
    visitor: &'a Visitor,
    title: &'static str,
    refreshes: bool,
    content: Markup,
}

impl WithCard<'_> {
    /// The page, with the gateway's script where there is one.
    pub(crate) fn with(&self, sdk: Option<&(String, String)>) -> Page {
        let head = Head {
            title: self.title,
            refreshes: self.refreshes,
            card_sdk: sdk.map(|(url, _)| url.as_str()),
            ..Head::default()
        };
        page(self.visitor, &head, &self.content)
    }
}

/// What there is to subscribe to.
pub(crate) fn plans<'a>(
    visitor: &'a Visitor,
    plans: &[Plan],
    mine: &[Subscription],
    notice: &str,
) -> WithCard<'a> {
    let words = Words::of(visitor.language);
    let has = |plan: &Plan| {
        let live = ["PENDING", "ACTIVE", "PAST_DUE", "CANCEL_SCHEDULED"];
        mine.iter()
            .any(|one| one.plan_code == plan.code && live.contains(&one.status.as_str()))
    };
    let content = html! {
        @if plans.is_empty() {
            (empty(&words.no_plans, None))
        } @else {
            section.hero.narrow { h1 { (words.plans.heading) } p { (words.plans.lead) } }
            (told(words, notice))
            ul.plans #plans {
                @for plan in plans { li.panel.plan { (offer(visitor, plan, has(plan))) } }
            }
        }
    };
    WithCard {
        visitor,
        title: words.plans.heading,
        refreshes: false,
        content,
    }
}

fn offer(visitor: &Visitor, plan: &Plan, has: bool) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    html! {
        h2 { (plan.name) }
        @if let Some(benefits) = &plan.benefits { p.tagline { (benefits) } }
        p.price { (language.won(plan.amount)) " " small { (words.each(&plan.period)) } }
        @if has {
            p.ways { a.button href="/membership" { (words.subscribed) } }
        } @else {
            (card_form(visitor, &format!("/plans/{}/card", plan.code), words.subscribe, true))
            p.hint { (words.card_hint) }
        }
    }
}

fn card_form(visitor: &Visitor, action: &str, label: &str, is_main: bool) -> Markup {
    let words = Words::of(visitor.language);
    html! {
        form method="post" action=(action) data-card data-opening=(words.opening)
            data-unavailable=(words.unavailable) {
            (token(visitor))
            button.primary[is_main] { (label) }
            p.hint role="status" {}
            noscript { p.notice { (Shared::of(visitor.language).no_script) } }
        }
    }
}

/// What somebody has subscribed to.
pub(crate) fn membership<'a>(
    visitor: &'a Visitor,
    memberships: &[Membership],
    newest: Option<&Registering>,
    notice: &str,
) -> WithCard<'a> {
    let words = Words::of(visitor.language);
    let refused = newest.filter(|newest| newest.state == State::Refused);
    let refused = refused.filter(|newest| !is_paid_since(newest, memberships));
    let refused = refused.map(|newest| why_refused(words, newest));
    let is_open = newest.is_some_and(|newest| newest.state == State::Open);
    let is_charging = memberships.iter().any(|one| {
        one.cycles
            .first()
            .is_some_and(|cycle| cycle.status == "CHARGING")
    });
    let content = html! {
        @if memberships.is_empty() && !is_open {
            @if let Some(refused) = &refused { (refused) }
            (empty(&words.none, Some(words.choose)))
        } @else {
            h1.title { (words.own) }
            (told(words, notice))
            @if let Some(refused) = &refused { (refused) }
            @if is_open || is_charging {
                p.checking #charging { span.pulse {} span { (words.pending) } }
            }
            @for one in memberships { (shown(visitor, one)) }
        }
    };
    WithCard {
        visitor,
        title: words.own,
        refreshes: is_open || is_charging,
        content,
    }
}

/// Whether what the card was refused for is paid for all the same, with another one.
fn is_paid_since(refused: &Registering, memberships: &[Membership]) -> bool {
    let Purpose::Subscribe { plan } = &refused.purpose else {
        return false;
    };
    let is_second = refused.code.as_deref() == Some(ALREADY_SUBSCRIBED);
    let is_paid =
        |one: &Membership| one.subscription.plan_code == *plan && one.entitlement.is_some();
    !is_second && memberships.iter().any(is_paid)
}

fn why_refused(words: &Words, newest: &Registering) -> Markup {
    let is_second = newest.code.as_deref() == Some(ALREADY_SUBSCRIBED);
    html! {
        @if is_second {
            p.notice data-notice="already" role="status" { (words.already) }
        } @else {
            p.notice data-notice="card-refused" role="status" { (words.refused) }
        }
    }
}

fn shown(visitor: &Visitor, one: &Membership) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    let subscription = &one.subscription;
    let name = one.plan.as_ref();
    let name = name.map_or(subscription.plan_code.as_str(), |plan| plan.name.as_str());
    let status = subscription.status.as_str();
    let is_held = one
        .cycles
        .first()
        .is_some_and(|cycle| cycle.status == "HELD");
    html! {
        article.columns.membership #(subscription.id) data-status=(status) {
            section.panel {
                div.top {
                    h2 { (name) }
                    span.chip.(status.to_lowercase().replace('_', "-")) { (words.status(status)) }
                }
                @if let Some(plan) = &one.plan {
                    p.tagline { (language.won(plan.amount)) " · " (words.each(&plan.period)) }
                }
                (entitlement(visitor, one))
                @if is_held { p.notice { (words.held) } }
                @if status == "CANCEL_SCHEDULED" { p.notice.weak { (words.runs_out) } }
                (next(visitor, one))
                (card(visitor, one))
                @if one.goes_on() { (end(visitor, one)) }
            }
            (history(visitor, one))
        }
    }
}

/// Until when it can be used, which is what other services ask Payflow.
fn entitlement(visitor: &Visitor, one: &Membership) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    html! {
        @match &one.entitlement {
            Some(entitlement) => {
                p.entitled #entitled {
                    b { (words.entitled) } " "
                    span { (language.until(&language.day(entitlement.until))) }
                }
            }
            None => p.entitled.not { b { (words.not_entitled) } }
        }
    }
}

fn next(visitor: &Visitor, one: &Membership) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    let dates = |charges: &[crate::payflow::Charge]| {
        html! {
            ol.dates {
                @for charge in charges {
                    li {
                        span { (language.moment(charge.due_at)) }
                        b { (language.won(charge.amount)) }
                    }
                }
            }
        }
    };
    let (soon, later) = one.charges.split_at(one.charges.len().min(NEXT_SHOWN));
    html! {
        h3.small { (words.next) }
        div #next {
            @if soon.is_empty() { p.hint { (words.no_next) } } @else { (dates(soon)) }
        }
        @if !later.is_empty() {
            details.later { summary { (words.more) } (dates(later)) }
        }
    }
}

fn card(visitor: &Visitor, one: &Membership) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    html! {
        h3.small { (words.card) }
        div.card-line {
            p #card {
                @match &one.card {
                    Some(card) => {
                        (card.company.as_deref().map_or("", |code| company(code, language)))
                        " ···· " (card.last4.as_deref().unwrap_or_default())
                    }
                    None => "–"
                }
            }
            @if one.goes_on() {
                (card_form(
                    visitor,
                    &format!("/membership/{}/card", one.subscription.id),
                    words.change_card,
                    false,
                ))
            }
        }
    }
}

/// The 7-day rule in plain words; what it comes to is Payflow's to decide.
fn end(visitor: &Visitor, one: &Membership) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    let paid_at = one
        .cycles
        .iter()
        .find(|cycle| cycle.status == "PAID")
        .and_then(|cycle| cycle.paid_at);
    let until = paid_at.and_then(|at| at.checked_add_signed(TimeDelta::days(REFUND_DAYS)));
    html! {
        details.end #end {
            summary { (words.end) }
            div {
                @match until {
                    Some(until) => {
                        p { b { (language.moment(until)) } (words.refund_until) }
                        p { (words.end_later) }
                    }
                    None => p { (words.end_unpaid) }
                }
                form method="post" action=(format!("/membership/{}/end", one.subscription.id)) {
                    (token(visitor))
                    button #end-now { (words.end_now) }
                }
            }
        }
    }
}

fn history(visitor: &Visitor, one: &Membership) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    html! {
        aside.panel.history {
            h2 { (words.history) }
            ol.cycles {
                @for cycle in &one.cycles {
                    li data-cycle=(cycle.status) data-number=(cycle.number) {
                        span { (language.moment(cycle.paid_at.unwrap_or(cycle.due_at))) }
                        b { (language.won(cycle.amount)) }
                        em { (words.cycle(&cycle.status)) }
                    }
                }
            }
        }
    }
}

fn told(words: &Words, notice: &str) -> Markup {
    html! {
        @if let Some(said) = words.notice(notice) {
            p.notice #notice data-notice=(notice) role="status" { (said) }
        }
    }
}

fn empty(saying: &Saying, choose: Option<&str>) -> Markup {
    html! {
        section.empty {
            (PreEscaped(BAG))
            h1 { (saying.heading) }
            p { (saying.lead) }
            @if let Some(choose) = choose { a.button href="/plans" { (choose) } }
        }
    }
}

/// The page while Payflow cannot be asked.
pub(crate) fn unreachable(visitor: &Visitor) -> Page {
    let words = Words::of(visitor.language);
    let head = Head {
        title: words.away.heading,
        ..Head::default()
    };
    page(visitor, &head, &empty(&words.away, None))
}
