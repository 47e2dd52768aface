//! Owns the controls of what goes wrong, and the lists of what can be chosen: cards, settings.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::{Unable, read, show};
use crate::cards;
use crate::catalogue::Language;
use crate::faults::{Order, Script, Staged};
use crate::sandbox::Sandbox;

#[derive(Serialize)]
struct Scenarios {
    scenarios: Vec<Staged>,
}

#[derive(Serialize)]
struct Cards {
    cards: Vec<Card>,
}

#[derive(Serialize)]
struct Card {
    number: String,
    ko: String,
    en: String,
}

pub(super) async fn faults(State(sandbox): State<Arc<Sandbox>>) -> Response {
    show(&sandbox.faults.shown())
}

pub(super) async fn add_faults(
    State(sandbox): State<Arc<Sandbox>>,
    body: Bytes,
) -> Result<Response, Unable> {
    let order = Order::read(read(&body)?).map_err(Unable::Unreadable)?;
    sandbox.faults.add(order);
    Ok(show(&sandbox.faults.shown()))
}

pub(super) async fn heal(State(sandbox): State<Arc<Sandbox>>) -> Response {
    sandbox.faults.heal();
    show(&sandbox.faults.shown())
}

pub(super) async fn scenarios(State(sandbox): State<Arc<Sandbox>>) -> Response {
    show_scenarios(&sandbox)
}

/// The scenarios given take the place of those in force.
pub(super) async fn stage(
    State(sandbox): State<Arc<Sandbox>>,
    body: Bytes,
) -> Result<Response, Unable> {
    let script = Script::of_json(read(&body)?).map_err(Unable::Unreadable)?;
    sandbox.faults.stage(script);
    Ok(show_scenarios(&sandbox))
}

pub(super) async fn cards() -> Response {
    let cards = cards::all();
    let cards = cards.iter().map(|card| Card {
        number: card.grouped(),
        ko: card.story(Language::Korean),
        en: card.story(Language::English),
    });
    show(&Cards {
        cards: cards.collect(),
    })
}

pub(super) async fn settings(State(sandbox): State<Arc<Sandbox>>) -> Response {
    show(&sandbox.config.settings.shown())
}

fn show_scenarios(sandbox: &Sandbox) -> Response {
    let scenarios = sandbox.faults.staged();
    show(&Scenarios { scenarios })
}
