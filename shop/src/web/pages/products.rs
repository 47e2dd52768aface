//! Owns the pages of the products and of the cart.

use maud::{Markup, html};

use super::{Head, Page, account, empty, page, picture, token};
use crate::catalogue::{PRODUCTS, Product, QUANTITY_MAX};
use crate::order::Way;
use crate::store::Cart;
use crate::web::visitor::Visitor;
use crate::words::Words;

/// What a cart comes to.
pub(crate) struct Line {
    /// The product.
    pub(crate) product: &'static Product,
    /// How many of it.
    pub(crate) quantity: i64,
    /// What they cost, in won.
    pub(crate) total: i64,
}

/// Everything for sale.
pub(crate) fn home(visitor: &Visitor) -> Page {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    let content = html! {
        section.hero {
            h1 { (words.hero) }
            p { (words.hero_lead) }
        }
        ul.grid aria-label=(words.products) {
            @for product in &PRODUCTS {
                li {
                    a.product href=(format!("/products/{}", product.slug)) {
                        (picture(product.slug, ""))
                        h2 { (product.name.of(language)) }
                        p.tagline { (product.tagline.of(language)) }
                        p.price { (language.won(product.price)) }
                    }
                }
            }
        }
    };
    page(visitor, &Head::default(), &content)
}

/// One product.
pub(crate) fn product(visitor: &Visitor, product: &Product, cart: Option<&Cart>) -> Page {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    let name = product.name.of(language);
    let replaces = cart.is_some_and(|cart| cart.product != product.slug);
    let content = html! {
        article.detail {
            div.picture { (picture(product.slug, name)) }
            div.about {
                h1 { (name) }
                p.tagline { (product.tagline.of(language)) }
                p.price { (language.won(product.price)) }
                p.story { (product.story.of(language)) }
                dl.facts {
                    dt { (words.delivery) } dd { (words.delivery_free) }
                    dt { (words.returns) } dd { (words.returns_any) }
                }
                form.add method="post" action="/cart" {
                    (token(visitor))
                    input type="hidden" name="product" value=(product.slug);
                    label {
                        span { (words.quantity) }
                        select #quantity name="quantity" {
                            @for quantity in 1..=QUANTITY_MAX { option { (quantity) } }
                        }
                    }
                    button.primary #add { (words.add) }
                }
                @if replaces { p.hint #replaces { (words.replaces) } }
            }
        }
    };
    let head = Head {
        title: name,
        ..Head::default()
    };
    page(visitor, &head, &content)
}

/// The cart.
pub(crate) fn cart(visitor: &Visitor, line: Option<&Line>) -> Page {
    let words = Words::of(visitor.language);
    let content = line.map_or_else(
        || empty(&words.cart_empty, words),
        |line| filled(visitor, line),
    );
    let head = Head {
        title: words.cart,
        ..Head::default()
    };
    page(visitor, &head, &content)
}

fn filled(visitor: &Visitor, line: &Line) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    let product = line.product;
    let name = product.name.of(language);
    html! {
        h1.title { (words.cart) }
        div.columns {
            section.panel.item {
                a href=(format!("/products/{}", product.slug)) { (picture(product.slug, "")) }
                div.what {
                    h2 { a href=(format!("/products/{}", product.slug)) { (name) } }
                    p.tagline { (product.tagline.of(language)) }
                    form method="post" action="/cart" {
                        (token(visitor))
                        input type="hidden" name="product" value=(product.slug);
                        (stepper(line, words))
                        button.quiet #remove name="quantity" value="0" { (words.remove) }
                    }
                }
                p.price { (language.won(product.price)) }
            }
            aside.panel.summary {
                dl {
                    dt { (words.subtotal) } dd { (language.won(line.total)) }
                    dt { (words.delivery) } dd { (words.delivery_free) }
                }
                dl.total { dt { (words.total) } dd #total { (language.won(line.total)) } }
                form method="post" action="/orders" {
                    (token(visitor))
                    button.primary #place { (words.place) }
                }
                p.hint { (words.place_hint) }
                (by_account(visitor, words))
            }
        }
    }
}

fn by_account(visitor: &Visitor, words: &Words) -> Markup {
    let way = html! { input type="hidden" name="way" value=(Way::Account.as_str()); };
    html! {
        details.other-way #by-account {
            summary {
                span { b { (words.account.heading) } span.tagline { (words.account.lead) } }
            }
            (account::form(visitor, "/orders", &way))
        }
    }
}

fn stepper(line: &Line, words: &Words) -> Markup {
    let (fewer, more) = (
        line.quantity.saturating_sub(1),
        line.quantity.saturating_add(1),
    );
    html! {
        div.stepper role="group" aria-label=(words.quantity) {
            button #fewer name="quantity" value=(fewer) aria-label=(words.fewer)
                disabled[fewer < 1] { "−" }
            span #quantity { (line.quantity) }
            button #more name="quantity" value=(more) aria-label=(words.more)
                disabled[more > QUANTITY_MAX] { "+" }
        }
    }
}
