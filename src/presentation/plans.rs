//! Owns the endpoint of a merchant's plans, and their JSON.

use std::sync::Arc;

use application::Caller;
use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use domain::subscription;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::bodies::Success;
use super::envelope::{Failure, Reply};

/// What a merchant offers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plan {
    /// What its merchant calls it.
    #[schema(example = "water-monthly")]
    pub code: String,
    /// What members read.
    #[schema(example = "생수 정기배송")]
    pub name: String,
    /// What it gives, as members read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "매달 한 상자")]
    pub benefits: Option<String>,
    /// `SUBSCRIPTION`, paid every period until it is ended, or `ONE_TIME`, paid for one.
    #[schema(example = "SUBSCRIPTION")]
    pub kind: String,
    /// `MONTHLY`, `QUARTERLY` or `YEARLY`.
    #[schema(example = "MONTHLY")]
    pub period: String,
    /// What a period costs, in minor units.
    #[schema(example = 9900)]
    pub amount: i64,
    /// The part of it without VAT, in minor units.
    #[schema(example = 0)]
    pub tax_free_amount: i64,
    /// ISO 4217.
    #[schema(example = "KRW")]
    pub currency: String,
}

/// The plans that are offered.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plans {
    /// By code.
    pub plans: Vec<Plan>,
}

/// List the plans
///
/// Those that the merchant offers in the caller's mode, by code. The list may be empty.
#[utoipa::path(
    get,
    path = "/api/v1/plans",
    tag = "subscriptions",
    responses((status = 200, description = "The plans", body = Success<Plans>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
) -> Result<Reply, Failure> {
    let found = api.app.plans().list(caller.scope).await?;
    let offered = found.into_iter().filter(|plan| plan.manner.offered);
    let plans = offered.map(shown).collect();
    Reply::new(StatusCode::OK, &Plans { plans })
}

fn shown(plan: subscription::Plan) -> Plan {
    let terms = &plan.terms;
    Plan {
        code: plan.code.to_string(),
        name: plan.manner.name.to_string(),
        benefits: plan.manner.benefits.map(|text| text.to_string()),
        kind: terms.kind().to_string(),
        period: terms.period().to_string(),
        amount: terms.price().minor(),
        tax_free_amount: terms.tax_free().minor(),
        currency: terms.price().currency().code().to_owned(),
    }
}
