//! Owns the pages before an order: products, the cart, the choice of a language.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::header::SET_COOKIE;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use super::fields::Fields;
use super::visitor::Visitor;
use super::{Problem, Web, pages, session};
use crate::catalogue::{self, QUANTITY_MAX};
use crate::language::Language;
use crate::store::Cart;

pub(super) async fn home(Extension(visitor): Extension<Visitor>) -> pages::Page {
    pages::home(&visitor)
}

pub(super) async fn product(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    Path(slug): Path<String>,
) -> Result<pages::Page, Problem> {
    let product = catalogue::product(&slug).ok_or(Problem::NotFound)?;
    let cart = web.shop.store.cart(&visitor.session.owner()).await?;
    Ok(pages::product(&visitor, product, cart.as_ref()))
}

pub(super) async fn cart(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
) -> Result<pages::Page, Problem> {
    let cart = web.shop.store.cart(&visitor.session.owner()).await?;
    let line = cart.and_then(|cart| {
        let product = catalogue::product(&cart.product)?;
        let total = product.price.checked_mul(cart.quantity)?;
        Some(pages::Line {
            product,
            quantity: cart.quantity,
            total,
        })
    });
    Ok(pages::cart(&visitor, line.as_ref()))
}

/// Puts a product into the cart, instead of what was there; zero of it empties the cart.
pub(super) async fn fill_cart(
    State(web): State<Arc<Web>>,
    Extension(visitor): Extension<Visitor>,
    fields: Fields,
) -> Result<Redirect, Problem> {
    let product = catalogue::product(fields.text("product")).ok_or(Problem::Senseless)?;
    let quantity = fields.number("quantity").ok_or(Problem::Senseless)?;
    if !(0..=QUANTITY_MAX).contains(&quantity) {
        return Err(Problem::Senseless);
    }
    let cart = (quantity > 0).then(|| Cart {
        product: product.slug.to_owned(),
        quantity,
    });
    let owner = visitor.session.owner();
    web.shop.store.fill_cart(&owner, cart).await?;
    Ok(Redirect::to("/cart"))
}

/// Where a change of language leads back to.
#[derive(Deserialize)]
pub(super) struct Back {
    #[serde(default)]
    back: String,
}

pub(super) async fn choose_language(
    State(web): State<Arc<Web>>,
    Path(tag): Path<String>,
    Query(Back { back }): Query<Back>,
) -> Result<Response, Problem> {
    let language = Language::of_tag(&tag).ok_or(Problem::NotFound)?;
    let cookie = session::set_language(language.tag(), web.secure_cookies);
    let back = if pages::is_own(&back) { &back } else { "/" };
    Ok((AppendHeaders([(SET_COOKIE, cookie)]), Redirect::to(back)).into_response())
}
