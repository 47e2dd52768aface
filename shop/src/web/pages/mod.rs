//! Owns the markup of the pages: the frame around each, and what several of them share.

mod account;
mod membership;
mod order;
mod orders;
mod products;

use axum::response::{Html, IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(super) use self::account::HOLDER_CHARS_MAX;
pub(super) use self::membership::{membership, plans, unreachable};
pub(super) use self::order::{Shown, order};
pub(super) use self::orders::orders;
pub(super) use self::products::{Line, cart, home, product};
use super::fields::TOKEN;
use super::problem::Problem;
use super::visitor::Visitor;
use crate::scene::Scene;
use crate::words::{Saying, Words};

/// How soon a page that shows something passing is loaded again.
const REFRESH_SECONDS: u32 = 2;
/// How soon, in a browser without scripts, a page that changes when something happens elsewhere.
const LOOK_AGAIN_SECONDS: u32 = 15;

const BAG: &str = include_str!("../../../assets/bag.svg");
const LOGO: &str = include_str!("../../../assets/icon.svg");

/// A finished page.
pub(crate) struct Page(Markup);

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        Html(self.0.into_string()).into_response()
    }
}

/// What a page has besides its content.
#[derive(Default)]
struct Head<'a> {
    title: &'a str,
    /// Whether it shows something that passes.
    refreshes: bool,
    /// Whether it is shown anew as soon as what it shows has changed.
    is_live: bool,
    /// The gateway's script, on the page that opens its window.
    sdk: Option<&'a str>,
    /// The same, on the pages that open its window for a card.
    card_sdk: Option<&'a str>,
}

fn page(visitor: &Visitor, head: &Head<'_>, content: &Markup) -> Page {
    let words = Words::of(visitor.language);
    Page(html! {
        (DOCTYPE)
        html lang=(visitor.language.tag()) {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="theme-color" content="#f7f4ee";
                @if head.refreshes {
                    meta http-equiv="refresh" content=(REFRESH_SECONDS);
                }
                @if head.is_live {
                    noscript { meta http-equiv="refresh" content=(LOOK_AGAIN_SECONDS); }
                    script src="/assets/live.js" defer {}
                }
                title { @if !head.title.is_empty() { (head.title) " · " } (words.shop) }
                link rel="icon" type="image/svg+xml" href="/assets/icon.svg";
                link rel="stylesheet" href="/assets/shop.css";
                @if let Some(sdk) = head.sdk {
                    script src=(sdk) defer {}
                    script src="/assets/shop.js" defer {}
                }
                @if let Some(sdk) = head.card_sdk {
                    script src=(sdk) defer {}
                    script src="/assets/card.js" defer {}
                }
            }
            body {
                a.skip href="#main" { (words.skip) }
                p.demo { (words.demo) }
                (top(visitor, words))
                main #main { (content) }
                footer { p { (words.shop) " · " (words.foot) } }
            }
        }
    })
}

fn top(visitor: &Visitor, words: &Words) -> Markup {
    let back = if is_own(&visitor.page) {
        visitor.page.as_str()
    } else {
        "/"
    };
    let language = format!("/language/{}?back={back}", words.other_language.tag());
    html! {
        header {
            a.brand href="/" { (PreEscaped(LOGO)) span { (words.shop) } }
            nav {
                a href="/plans" { (words.plans) }
                a href="/membership" { (words.own_subscription) }
                a href="/orders" { (words.orders) }
                a.cart href="/cart" aria-label=(words.cart) {
                    (PreEscaped(BAG))
                    @if visitor.cart > 0 { span.count #cart-count { (visitor.cart) } }
                }
                a.language #language href=(language) hreflang=(words.other_language.tag())
                    lang=(words.other_language.tag()) { (words.other_language_name) }
            }
        }
    }
}

/// Whether an address is a page of this shop, and nothing that a browser reads as another site.
pub(super) fn is_own(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/-_".contains(&byte))
}

/// The hidden field that proves where a form comes from.
fn token(visitor: &Visitor) -> Markup {
    html! { input type="hidden" name=(TOKEN) value=(visitor.session.token()); }
}

fn picture(slug: &str, alt: &str) -> Markup {
    html! { img src=(format!("/assets/{slug}.svg")) alt=(alt) width="400" height="400"; }
}

fn chip(words: &Words, scene: Scene) -> Markup {
    html! { span.chip.(scene.as_str()) { (words.chip(scene)) } }
}

/// A page where something would be, and is not.
fn empty(saying: &Saying, words: &Words) -> Markup {
    html! {
        section.empty {
            (PreEscaped(BAG))
            h1 { (saying.heading) }
            p { (saying.lead) }
            a.button href="/" { (words.back_to_shop) }
        }
    }
}

/// The page that tells what went wrong.
pub(super) fn problem(visitor: &Visitor, problem: Problem) -> Page {
    let words = Words::of(visitor.language);
    let saying = match problem {
        Problem::NotFound => &words.not_found,
        Problem::Forged => &words.forged,
        Problem::Senseless => &words.senseless,
        Problem::Broken => &words.broken,
    };
    let head = Head {
        title: saying.heading,
        ..Head::default()
    };
    page(visitor, &head, &empty(saying, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_back_stays_in_the_shop() {
        for own in ["/", "/orders/H261121-7K3QZ0M9XT", "/products/mug"] {
            assert!(is_own(own), "{own}");
        }
        for other in [
            "",
            "//evil.example",
            "https://evil.example",
            "/\\evil.example",
            "/a?b",
            "x",
        ] {
            assert!(!is_own(other), "{other}");
        }
    }
}
