//! Owns the page that lists a visitor's orders.

use maud::{Markup, html};

use super::{Head, Page, chip, empty, page, picture};
use crate::catalogue;
use crate::language::Language;
use crate::order::Order;
use crate::scene::Scene;
use crate::web::visitor::Visitor;
use crate::words::Words;

/// A visitor's orders, newest first.
pub(crate) fn orders(visitor: &Visitor, orders: &[Order]) -> Page {
    let words = Words::of(visitor.language);
    let content = if orders.is_empty() {
        empty(&words.orders_empty, words)
    } else {
        html! {
            h1.title { (words.orders) }
            ul.orders #orders {
                @for order in orders { li { (row(order, visitor.language)) } }
            }
        }
    };
    let head = Head {
        title: words.orders,
        ..Head::default()
    };
    page(visitor, &head, &content)
}

fn row(order: &Order, language: Language) -> Markup {
    let words = Words::of(language);
    // What is under way is told by the payment; the list needs no more than that.
    let scene = Scene::of(order, &[]);
    html! {
        a.panel.order href=(format!("/orders/{}", order.id)) {
            (picture(&order.product, ""))
            div.what {
                h2 { (name_of(order, language)) }
                p.tagline { span { (language.moment(order.created_at)) } " " span { (order.id) } }
            }
            div.how {
                p.price { (language.won(order.amount)) }
                (chip(words, scene))
            }
        }
    }
}

/// The product's name in the visitor's language, and how many.
pub(super) fn name_of(order: &Order, language: Language) -> String {
    let product = catalogue::product(&order.product);
    let name = product.map_or(order.name.as_str(), |product| product.name.of(language));
    if order.quantity > 1 && product.is_some() {
        format!("{name} × {}", order.quantity)
    } else {
        name.to_owned()
    }
}
