//! Owns the endpoints of billing keys: register a card, have its key issued, list, prefer, delete,
//! and charge a payment with one.

mod failures;
mod shown;

use std::str::FromStr;
use std::sync::Arc;

use application::ports::vault::Secret;
use application::{Caller, Charge, Register};
use axum::Extension;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use domain::billing::{self, Stage, Status};
use domain::id::BillingKeyId;
use domain::text::{self, CustomerKey, MemberId};
use serde_json::json;

use super::Api;
use super::bodies::{Payment, Success};
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};
use super::extract::{KeyHeader, PaymentPath};
use super::payments::{PENDING_SECONDS, answer};
use super::query::Query;
pub(super) use failures::unusable;
use shown::{BillingKey, BillingKeys, ChargePayment, IssueBillingKey, NewBillingKey, RegisterCard};

/// The longest `authKey` (`toss-api.md §11`).
const AUTH_KEY_MAX: usize = 300;

/// What the gateway's window gave the member's browser: 1-300 visible ASCII characters.
struct AuthKey(Secret);

impl FromStr for AuthKey {
    type Err = text::Error;

    fn from_str(text: &str) -> Result<Self, text::Error> {
        if text.is_empty() || text.len() > AUTH_KEY_MAX {
            return Err(text::Error::Length);
        }
        let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
        if visible {
            Ok(Self(Secret::from(text)))
        } else {
            Err(text::Error::Character)
        }
    }
}

/// Register a card
///
/// Answers with the `customerKey` to open the gateway's window for a card with. Of a member's own
/// token the member is known; a merchant's server says whose card it is.
#[utoipa::path(
    post,
    path = "/api/v1/billing-keys",
    tag = "billing",
    request_body = RegisterCard,
    responses((status = 201, description = "The billing key, REGISTERED, and what the window is \
               opened with", body = Success<NewBillingKey>)),
)]
pub(super) async fn register(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let member = if let Some(own) = &caller.member {
        let named = form.optional_as("memberId", own.clone());
        if named.as_ref().is_some_and(|named| named != own) {
            form.refuse("memberId", Code::MemberMismatch);
        }
        named
    } else {
        form.required::<MemberId>("memberId")
    };
    let member = form.finish(member)?;
    let opened = api.app.open_wallet(&caller, member).await?;
    Reply::new(StatusCode::CREATED, &NewBillingKey::from(opened))
}

/// Have the billing key issued
///
/// Passes on what the window's redirect brought back. A repeat is told how it is, whatever it
/// brings. 202 means that the gateway has not told the outcome in time: read the billing key until
/// it has one. Nothing has to be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/billing-keys/{billingKeyId}/issue",
    tag = "billing",
    params(("billingKeyId" = String, Path, description = "The billing key")),
    request_body = IssueBillingKey,
    responses(
        (status = 200, description = "It can be charged", body = Success<BillingKey>),
        (status = 202, description = "BILLING_KEY_PENDING: see `Location`",
         body = Success<BillingKey>,
         headers(("Location" = String, description = "Where the billing key is to be read"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn issue(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    BillingKeyPath(id): BillingKeyPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let customer_key = form.required::<CustomerKey>("customerKey");
    let auth_key = form.required::<AuthKey>("authKey");
    let (customer_key, AuthKey(auth_key)) = form.finish(customer_key.zip(auth_key))?;
    if api.app.card(&caller, id).await?.customer_key != customer_key {
        return Err(Code::CustomerKeyMismatch.into());
    }
    let command = Register {
        customer_key,
        auth_key,
    };
    let key = api.app.register_card(&caller, &command).await?;
    match &key.stage {
        Stage::Active { .. } => settled(key),
        Stage::Issuing { .. } => pending(key),
        Stage::Failed { declined } => {
            let error = json!({
                "code": declined.reason.as_str(),
                "message": declined.message,
                "gatewayCode": declined.code,
            });
            let data = serde_json::to_value(BillingKey::from(key.clone()));
            let data = data.map_err(|error| Failure::internal(&error))?;
            let failure = Failure::from(Code::BillingKeyDeclined);
            Err(failure.error(error).data(data))
        }
        Stage::Registered | Stage::Deleting { .. } | Stage::Deleted { .. } => {
            Err(failures::unusable(key.status()))
        }
    }
}

/// List billing keys
///
/// A member's stored cards that can be charged, or are being issued or deleted, newest first.
#[utoipa::path(
    get,
    path = "/api/v1/billing-keys",
    tag = "billing",
    params(("memberId" = Option<String>, Query, min_length = 1, max_length = 64,
            description = "Whose; a merchant's server has to say, of a token it is known")),
    responses((status = 200, description = "The billing keys", body = Success<BillingKeys>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    mut query: Query,
) -> Result<Reply, Failure> {
    let text = query.text("memberId");
    let named = text.as_deref().map(str::parse::<MemberId>).transpose();
    let named = named.unwrap_or_else(|error| {
        query.refuse("memberId", error.into());
        None
    });
    let member = match (&caller.member, named) {
        (Some(own), Some(named)) if named != *own => {
            query.refuse("memberId", Code::MemberMismatch);
            None
        }
        (Some(own), Some(_) | None) => Some(own.clone()),
        (None, named) => named,
    };
    if member.is_none() && text.is_none() {
        query.refuse("memberId", Code::FieldRequired);
    }
    query.finish()?;
    let member =
        member.ok_or_else(|| Failure::internal(&"a member was neither known nor refused"))?;
    let found = api.app.wallet(&caller, &member).await?;
    let billing_keys = found.into_iter().map(BillingKey::from).collect();
    Reply::new(StatusCode::OK, &BillingKeys { billing_keys })
}

/// Read a billing key
///
/// Also one that was never issued, and why, or that is gone.
#[utoipa::path(
    get,
    path = "/api/v1/billing-keys/{billingKeyId}",
    tag = "billing",
    params(("billingKeyId" = String, Path, description = "The billing key")),
    responses((status = 200, description = "The billing key", body = Success<BillingKey>)),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    BillingKeyPath(id): BillingKeyPath,
) -> Result<Reply, Failure> {
    settled(api.app.card(&caller, id).await?)
}

/// Make a billing key the default
///
/// What the member pays with where nothing else is said; the one that was is no longer.
#[utoipa::path(
    put,
    path = "/api/v1/billing-keys/{billingKeyId}/default",
    tag = "billing",
    params(("billingKeyId" = String, Path, description = "The billing key")),
    responses((status = 200, description = "The billing key", body = Success<BillingKey>)),
)]
pub(super) async fn prefer(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    BillingKeyPath(id): BillingKeyPath,
) -> Result<Reply, Failure> {
    settled(api.app.prefer_card(&caller, id).await?)
}

/// Delete a billing key
///
/// Here and at the gateway. It is charged no more from now on, also while the gateway has not
/// answered (202). Where it was the default, the member's newest other one is. A repeat is told how
/// it is.
#[utoipa::path(
    delete,
    path = "/api/v1/billing-keys/{billingKeyId}",
    tag = "billing",
    params(("billingKeyId" = String, Path, description = "The billing key")),
    responses(
        (status = 200, description = "It is gone", body = Success<BillingKey>),
        (status = 202, description = "BILLING_KEY_PENDING: see `Location`",
         body = Success<BillingKey>,
         headers(("Location" = String, description = "Where the billing key is to be read"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    BillingKeyPath(id): BillingKeyPath,
) -> Result<Reply, Failure> {
    let key = api.app.delete_card(&caller, id).await?;
    if key.status() == Status::Deleting {
        pending(key)
    } else {
        settled(key)
    }
}

/// Charge a payment
///
/// With a billing key of the payment's member: the one that is named, else the default. Amount and
/// order are the prepared ones. 202 means that the gateway has not told the outcome in time: read
/// the payment until it has one. Nothing has to be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{paymentId}/charge",
    tag = "billing",
    params(
        ("paymentId" = String, Path, description = "The payment, of kind BILLING"),
        ("Idempotency-Key" = String, Header, description = "Makes repeats safe",
         pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#),
        ("Step-Up-Proof" = Option<String>, Header,
         description = "Of a member: a signed proof of the person, where it is asked for"),
        ("Device-Id" = Option<String>, Header, min_length = 16, max_length = 128,
         pattern = "^[!-~]+$", description = "Of a member: the device that the proof is bound to"),
    ),
    request_body = ChargePayment,
    responses(
        (status = 200, description = "The money is taken", body = Success<Payment>),
        (status = 202, description = "PAYMENT_PENDING: see `Location`", body = Success<Payment>,
         headers(("Location" = String, description = "Where the payment is to be read"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn charge(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
    key: KeyHeader,
    body: JsonBody,
) -> Result<Response, Failure> {
    let key = key.required()?;
    let mut form = body.form()?;
    let named = form.optional_as("billingKeyId", Named(None));
    let Named(billing_key) = form.finish(named)?;
    let command = Charge {
        payment,
        billing_key,
    };
    answer(api.app.charge(caller, command, body.keyed(key)).await?)
}

/// The billing key that a body names, where it does.
struct Named(Option<BillingKeyId>);

impl FromStr for Named {
    type Err = domain::id::Malformed;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(|id| Self(Some(id)))
    }
}

fn settled(key: billing::BillingKey) -> Result<Reply, Failure> {
    Reply::new(StatusCode::OK, &BillingKey::from(key))
}

/// What is wanted is durable, and not known to be done.
fn pending(key: billing::BillingKey) -> Result<Reply, Failure> {
    let location = HeaderValue::from_str(&format!("/api/v1/billing-keys/{}", key.id));
    let location = location.map_err(|error| Failure::internal(&error))?;
    let reply = Reply::new(StatusCode::ACCEPTED, &BillingKey::from(key))?;
    Ok(reply
        .coded(Code::BillingKeyPending)
        .header(LOCATION, location)
        .header(RETRY_AFTER, HeaderValue::from_static(PENDING_SECONDS)))
}

/// The billing key that the path names. Text that cannot be an id names none.
pub(super) struct BillingKeyPath(BillingKeyId);

impl FromRequestParts<Arc<Api>> for BillingKeyPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let missing = || Failure::from(Code::BillingKeyNotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}
