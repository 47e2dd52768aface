//! Owns the controls of virtual accounts: what the buyer's bank does.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use serde::Deserialize;

use super::{Unable, json_text, read};
use crate::catalogue::{Language, Refusal};
use crate::objects;
use crate::operations::account::{self, Deposit};
use crate::sandbox::Sandbox;
use crate::state::account::RefundStatus;
use crate::store::Transaction;

/// Whose account is meant: one of the three is enough.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Whose {
    payment_key: Option<String>,
    order_id: Option<String>,
    account_number: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayIn {
    #[serde(flatten)]
    whose: Whose,
    amount: Option<i64>,
    depositor_name: Option<String>,
    #[serde(default)]
    late: bool,
}

#[derive(Deserialize)]
struct Refund {
    #[serde(flatten)]
    whose: Whose,
    status: RefundStatus,
}

pub(super) fn router() -> Router<Arc<Sandbox>> {
    Router::new()
        .route("/_sandbox/deposits", post(pay_in))
        .route("/_sandbox/deposits/reverse", post(reverse))
        .route("/_sandbox/refunds", post(refund))
}

/// The buyer pays in at a bank.
async fn pay_in(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: PayIn = read(&body)?;
    let context = sandbox.context(None);
    act(&sandbox, &asked.whose, |all, payment_key| {
        let deposit = Deposit {
            payment_key: payment_key.to_owned(),
            amount: asked.amount,
            depositor: asked.depositor_name.clone(),
            late: asked.late,
        };
        account::deposit(all, context, deposit)
    })
    .await
}

/// The bank finds that the deposit was a mistake.
async fn reverse(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let whose: Whose = read(&body)?;
    let context = sandbox.context(None);
    act(&sandbox, &whose, |all, payment_key| {
        account::reverse(all, context, payment_key)
    })
    .await
}

/// A refund ends now, in the way it is told.
async fn refund(State(sandbox): State<Arc<Sandbox>>, body: Bytes) -> Result<Response, Unable> {
    let asked: Refund = read(&body)?;
    let context = sandbox.context(None);
    act(&sandbox, &asked.whose, |all, payment_key| {
        account::refund(all, context, (payment_key, asked.status))
    })
    .await
}

/// Does something about the payment that is meant, and shows what became of it.
async fn act(
    sandbox: &Sandbox,
    whose: &Whose,
    act: impl FnOnce(&mut Transaction, &str) -> Result<(), Refusal>,
) -> Result<Response, Unable> {
    let shown = sandbox.store.commit(|all| {
        let state = all.state();
        let by_key = whose
            .payment_key
            .as_deref()
            .and_then(|key| state.payment(key));
        let settings = &sandbox.config.settings;
        let by_order = |id: &String| state.payment_of_order(id, settings);
        let by_number = |number: &String| state.payment_of_account(number);
        let payment = by_key
            .or_else(|| whose.order_id.as_ref().and_then(by_order))
            .or_else(|| whose.account_number.as_ref().and_then(by_number));
        let payment = payment.ok_or_else(|| Refusal::of("NOT_FOUND_PAYMENT"))?;
        let payment_key = payment.payment_key.clone();
        act(all, &payment_key)?;
        let payment = all
            .state()
            .payment(&payment_key)
            .expect("it was just there");
        let (config, base) = (&sandbox.config, &sandbox.base);
        let korean = Language::Korean;
        Ok::<_, Refusal>(objects::payment::render(payment, config, base, korean))
    });
    Ok(json_text(shown.await??))
}
