//! Owns the page of one order: what state it is in, what can be done, what it was about.

use maud::{Markup, PreEscaped, html};

use super::orders::name_of;
use super::{Head, Page, account, chip, page, picture, token};
use crate::language::Language;
use crate::order::{Order, Way};
use crate::sales::{News, Seen};
use crate::scene::{Notice, Scene};
use crate::store::next_number;
use crate::web::visitor::Visitor;
use crate::words::Words;

const CHECK: &str = include_str!("../../../assets/check.svg");
const BANK: &str = include_str!("../../../assets/bank.svg");
const CARD: &str = include_str!("../../../assets/card.svg");
const CLOCK: &str = include_str!("../../../assets/clock.svg");
const BACK: &str = include_str!("../../../assets/back.svg");
const CROSS: &str = include_str!("../../../assets/cross.svg");

/// What the page shows.
pub(crate) struct Shown<'a> {
    /// The order and what was asked about it.
    pub(crate) seen: &'a Seen,
    /// The state it is in.
    pub(crate) scene: Scene,
    /// What the visitor is told besides.
    pub(crate) notice: Option<Notice>,
    /// Where the gateway's script is, when the order can be paid and the window opened.
    pub(crate) sdk: Option<&'a str>,
}

/// The page.
pub(crate) fn order(visitor: &Visitor, shown: &Shown<'_>) -> Page {
    let words = Words::of(visitor.language);
    let order = &shown.seen.order;
    let content = html! {
        div.columns.about-order {
            section.panel.state.(shown.scene.as_str()) #order data-scene=(shown.scene.as_str())
                data-status=(order.status.as_str())
                data-live=[live_of(shown)] {
                (told(shown, words))
                (actions(visitor, shown, words))
            }
            (summary(order, shown.scene, visitor.language))
            @if matches!(shown.scene, Scene::Paid | Scene::PartlyRefunded) {
                @if order.way == Way::Account {
                    section.panel.refund { p.inside.hint { (words.account.no_refund) } }
                } @else {
                    (refund(visitor, shown, words))
                }
            }
        }
    };
    let head = Head {
        title: words.saying(shown.scene).heading,
        refreshes: refreshes(shown),
        is_live: live_of(shown).is_some(),
        sdk: shown.sdk,
        ..Head::default()
    };
    page(visitor, &head, &content)
}

/// Where the page is told that what it shows has changed: while a bank may say something.
fn live_of(shown: &Shown<'_>) -> Option<String> {
    let order = &shown.seen.order;
    let is_open = matches!(
        shown.scene,
        Scene::AwaitingDeposit | Scene::DepositTakenBack | Scene::Paid
    );
    (order.way == Way::Account && is_open)
        .then(|| format!("/orders/{}/live?seen={}", order.id, order.revision))
}

/// Whether the page is loaded again by itself: while the shop is turned away nothing changes soon.
fn refreshes(shown: &Shown<'_>) -> bool {
    shown.scene.is_passing() && shown.notice != Some(Notice::TurnedAway)
}

fn told(shown: &Shown<'_>, words: &Words) -> Markup {
    let saying = words.saying(shown.scene);
    let payment = shown.seen.order.payment.as_ref();
    let reason = payment.and_then(|payment| payment.decline.as_ref());
    let reason = reason.map(|decline| decline.reason.as_str());
    html! {
        div.mark { (PreEscaped(mark(shown.scene))) }
        h1 { (saying.heading) }
        p.lead { (saying.lead) }
        @if let Some(notice) = shown.notice {
            p.notice #notice data-notice=(notice.as_str()) role="status" {
                (words.notice(notice, reason))
            }
        }
        @if shown.seen.news == News::Unreachable {
            p.notice.weak #not-fresh role="status" { (words.not_fresh) }
        }
        (steps(shown.scene, words))
    }
}

const fn mark(scene: Scene) -> &'static str {
    match scene {
        Scene::ToPay => CARD,
        Scene::AwaitingDeposit => BANK,
        Scene::Issuing
        | Scene::Confirming
        | Scene::Withdrawing
        | Scene::Refunding
        | Scene::Expired => CLOCK,
        Scene::Paid => CHECK,
        Scene::PartlyRefunded | Scene::Refunded | Scene::DepositTakenBack => BACK,
        Scene::Withdrawn | Scene::Failed => CROSS,
    }
}

/// Ordered, paid, confirmed; nothing for an order that ended otherwise.
fn steps(scene: Scene, words: &Words) -> Markup {
    let reached = match scene {
        Scene::ToPay | Scene::Issuing | Scene::AwaitingDeposit => 1,
        Scene::Confirming => 2,
        Scene::Paid => 3,
        Scene::DepositTakenBack
        | Scene::Withdrawing
        | Scene::Refunding
        | Scene::PartlyRefunded
        | Scene::Refunded
        | Scene::Withdrawn
        | Scene::Failed
        | Scene::Expired => return html! {},
    };
    html! {
        ol.steps {
            @for (place, step) in (1..).zip(words.steps) {
                li.done[place <= reached] aria-current=[(place == reached).then_some("step")] {
                    (step)
                }
            }
        }
    }
}

fn actions(visitor: &Visitor, shown: &Shown<'_>, words: &Words) -> Markup {
    let order = &shown.seen.order;
    match shown.scene {
        Scene::ToPay if order.way == Way::Account => html! {
            div.pay {
                (account::form(visitor, &format!("/orders/{}/account", order.id), &number(shown)))
            }
            (withdraw(visitor, shown, words))
        },
        Scene::ToPay => to_pay(visitor, shown, words),
        Scene::AwaitingDeposit | Scene::DepositTakenBack => account::shown(visitor, order),
        Scene::Issuing | Scene::Confirming | Scene::Withdrawing | Scene::Refunding => html! {
            p.checking {
                span.pulse {}
                span {
                    @if refreshes(shown) { (words.refreshes) }
                    @if shown.scene == Scene::Confirming { " " (words.not_again) }
                }
            }
        },
        Scene::Paid | Scene::PartlyRefunded => html! {
            p.ways {
                a.button href="/orders" { (words.orders) }
                a.button href="/" { (words.back_to_shop) }
            }
        },
        Scene::Refunded | Scene::Withdrawn | Scene::Failed | Scene::Expired => html! {
            p.ways {
                a.button href=(format!("/products/{}", order.product)) { (words.order_again) }
            }
        },
    }
}

fn to_pay(visitor: &Visitor, shown: &Shown<'_>, words: &Words) -> Markup {
    let (language, order) = (visitor.language, &shown.seen.order);
    html! {
        div.pay {
            form #pay method="post" action=(format!("/orders/{}/window", order.id))
                data-opening=(words.pay_opening) data-unavailable=(words.pay_unavailable) {
                (token(visitor))
                button.primary disabled[shown.sdk.is_none()] {
                    (language.won(order.amount)) " " (words.pay)
                }
            }
            p.hint #pay-hint role="status" {
                @if shown.sdk.is_some() { (words.pay_hint) } @else { (words.pay_unavailable) }
            }
            noscript { p.notice { (words.no_script) } }
        }
        (withdraw(visitor, shown, words))
    }
}

fn withdraw(visitor: &Visitor, shown: &Shown<'_>, words: &Words) -> Markup {
    let order = &shown.seen.order;
    html! {
        form method="post" action=(format!("/orders/{}/withdraw", order.id)) {
            (token(visitor))
            (number(shown))
            button.quiet #withdraw { (words.withdraw) }
        }
    }
}

/// A form is about the order as it was shown; see [`crate::store::Store::begin_numbered`].
fn number(shown: &Shown<'_>) -> Markup {
    html! { input type="hidden" name="number" value=(next_number(&shown.seen.intents)); }
}

fn refund(visitor: &Visitor, shown: &Shown<'_>, words: &Words) -> Markup {
    let (language, order) = (visitor.language, &shown.seen.order);
    let action = format!("/orders/{}/refunds", order.id);
    let left = order.refundable();
    html! {
        section.panel.refund {
            details #refund {
                summary { div { h2 { (words.refund) } p.tagline { (words.refund_lead) } } }
                div.inside {
                    dl { dt { (words.refundable) } dd #refundable { (language.won(left)) } }
                    form method="post" action=(action) {
                        (token(visitor))
                        (number(shown))
                        label for="refund-amount" { (words.refund_amount) }
                        div.row {
                            input #refund-amount name="amount" type="number" inputmode="numeric"
                                min="1" max=(left) step="1" required;
                            button #refund-part { (words.refund_part) }
                        }
                    }
                    form method="post" action=(action) {
                        (token(visitor))
                        (number(shown))
                        input type="hidden" name="amount" value=(left);
                        button #refund-all { (words.refund_all) }
                    }
                }
            }
        }
    }
}

fn summary(order: &Order, scene: Scene, language: Language) -> Markup {
    let words = Words::of(language);
    let payment = order.payment.as_ref();
    let paid = payment.filter(|payment| payment.approved_at.is_some());
    html! {
        aside.panel.summary {
            h2.visually-hidden { (words.summary) }
            div.thing {
                (picture(&order.product, ""))
                div { h3 { (name_of(order, language)) } (chip(words, scene)) }
            }
            dl.total { dt { (words.total) } dd #amount { (language.won(order.amount)) } }
            @if order.refunded() > 0 {
                dl.given-back {
                    dt { (words.refunded) }
                    dd #refunded { "−" (language.won(order.refunded())) }
                }
            }
            dl.facts {
                dt { (words.order_number) } dd.code #number { (order.id) }
                dt { (words.ordered_at) } dd { (language.moment(order.created_at)) }
                @if let Some(payment) = paid {
                    @if let Some(method) = &payment.method {
                        dt { (words.method) } dd #method { (words.way(method)) }
                    }
                    @if let Some(at) = payment.approved_at {
                        dt { (words.paid_at) } dd { (language.moment(at)) }
                    }
                }
            }
            @if let Some(receipt) = paid.and_then(|payment| payment.receipt_url.as_deref())
                && is_web(receipt) {
                a.receipt href=(receipt) rel="noreferrer" target="_blank" { (words.receipt) }
            }
            (refunds(order, language))
        }
    }
}

fn refunds(order: &Order, language: Language) -> Markup {
    let words = Words::of(language);
    let cancels = order
        .payment
        .as_ref()
        .map(|payment| payment.cancels.as_slice());
    let cancels = cancels.unwrap_or_default();
    html! {
        @if !cancels.is_empty() {
            h3.small { (words.refunds) }
            ol.refunds #refunds {
                @for cancel in cancels {
                    li {
                        span { (language.moment(cancel.canceled_at)) }
                        b { "−" (language.won(cancel.amount)) }
                    }
                }
            }
        }
    }
}

/// Only an address of the web becomes a link.
fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}
