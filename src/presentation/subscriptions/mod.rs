//! Owns the endpoints of subscriptions that change something: subscribe, end, pay with another
//! card.

mod failures;
pub(super) mod reads;
mod shown;
pub(super) mod table;

use std::str::FromStr;
use std::sync::Arc;

use application::Caller;
use application::subscriptions::{Became, EndSubscription, Subscribe, SubscriptionAnswer};
use axum::Extension;
use axum::extract::{FromRequestParts, Path, State};
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::Timestamp;
use domain::id::{BillingKeyId, SubscriptionId};
use domain::merchant::Zone;
use serde_json::json;

use super::Api;
use super::bodies::Success;
use super::body::JsonBody;
use super::catalogue::Code;
use super::envelope::{Failure, Reply};
use super::extract::KeyHeader;
use super::payments::{PENDING_SECONDS, marked};
use shown::{EndOfSubscription, NewSubscription, OtherCard, Subscription};

/// Subscribe a member
///
/// The first cycle is charged now, unless `firstChargeAt` is ahead. The subscription is made
/// whatever becomes of that charge: look at `status`. ACTIVE (or `CANCEL_SCHEDULED`, of a plan that
/// is paid once) means that it is paid; PENDING that it is not, and `cycle` says when it is tried
/// again or whether another card is waited for. 202 means that the gateway has not told the outcome
/// in time: read the subscription until it has one. Nothing has to be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/subscriptions",
    tag = "subscriptions",
    params(("Idempotency-Key" = String, Header, description = "Makes repeats safe",
         pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#)),
    request_body = NewSubscription,
    responses(
        (status = 201, description = "The subscription, and the payment of its first cycle where \
         that was charged", body = Success<Subscription>),
        (status = 202, description = "PAYMENT_PENDING: see `Location`",
         body = Success<Subscription>,
         headers(("Location" = String, description = "Where the subscription is to be read"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn subscribe(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    key: KeyHeader,
    body: JsonBody,
) -> Result<Response, Failure> {
    let key = key.required()?;
    let mut form = body.form()?;
    let member = form.required("memberId");
    let plan = form.required("planCode");
    let billing_key = form.optional_as("billingKeyId", Maybe::<BillingKeyId>(None));
    let first = form.optional_as("firstChargeAt", Maybe::<Instant>(None));
    let zone = form.optional_as("timeZone", Maybe::<Zone>(None));
    let command = (|| {
        Some(Subscribe {
            member: member?,
            plan: plan?,
            billing_key: billing_key?.0,
            first_charge_at: first?.0.map(|Instant(at)| at),
            zone: zone?.0,
        })
    })();
    let command = form.finish(command)?;
    let answered = api.app.subscribe(caller, command, body.keyed(key)).await?;
    answer(answered, StatusCode::CREATED, Told::BySubscription)
}

/// End a subscription
///
/// Up to seven days after its newest cycle was paid, the money is given back and it ends now. Later
/// it runs out: nothing is charged any more, and the member keeps what is paid. Where nothing is
/// paid beyond now it ends at once. 202 means that the gateway has not told whether the money is
/// given back; the subscription has ended.
#[utoipa::path(
    post,
    path = "/api/v1/subscriptions/{subscriptionId}/cancel",
    tag = "subscriptions",
    params(
        ("subscriptionId" = String, Path, description = "The subscription"),
        ("Idempotency-Key" = String, Header, description = "Makes repeats safe",
         pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#),
        ("Step-Up-Proof" = Option<String>, Header,
         description = "Of a member: a signed proof of the person for the cancellation of the \
         payment, where money is given back and it is asked for"),
        ("Device-Id" = Option<String>, Header, min_length = 16, max_length = 128,
         pattern = "^[!-~]+$", description = "Of a member: the device that the proof is bound to"),
    ),
    request_body = EndOfSubscription,
    responses(
        (status = 200, description = "It has ended or runs out; with the payment that is given \
         back, where one is", body = Success<Subscription>),
        (status = 202, description = "PAYMENT_PENDING: see `Location`",
         body = Success<Subscription>,
         headers(("Location" = String, description = "Where the refund is to be read: its payment"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn end(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    SubscriptionPath(subscription): SubscriptionPath,
    key: KeyHeader,
    body: JsonBody,
) -> Result<Response, Failure> {
    let key = key.required()?;
    let mut form = body.form()?;
    let reason = form.required("reason");
    let command = reason.map(|reason| EndSubscription {
        subscription,
        reason,
    });
    let command = form.finish(command)?;
    let keyed = body.keyed(key);
    let answered = api.app.end_subscription(caller, command, keyed).await?;
    answer(answered, StatusCode::OK, Told::ByPayment)
}

/// Pay with another card
///
/// From now on. A cycle that was declined, or waits for another card, is charged at once. A repeat
/// is told how it is.
#[utoipa::path(
    put,
    path = "/api/v1/subscriptions/{subscriptionId}/billing-key",
    tag = "subscriptions",
    params(("subscriptionId" = String, Path, description = "The subscription")),
    request_body = OtherCard,
    responses((status = 200, description = "The subscription", body = Success<Subscription>)),
)]
pub(super) async fn pay_with(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    SubscriptionPath(subscription): SubscriptionPath,
    body: JsonBody,
) -> Result<Reply, Failure> {
    let mut form = body.form()?;
    let card = form.required::<BillingKeyId>("billingKeyId");
    let card = form.finish(card)?;
    let view = api.app.pay_with(&caller, subscription, card).await?;
    Reply::new(StatusCode::OK, &Subscription::with(view, None))
}

/// What tells how a request ends that is answered before it has.
#[derive(Clone, Copy)]
enum Told {
    /// The subscription: it is paid, or its cycle was declined.
    BySubscription,
    /// The payment: the subscription has ended, and says nothing of the refund.
    ByPayment,
}

/// What a request with an idempotency key is answered with, the first time and again.
fn answer(answered: SubscriptionAnswer, done: StatusCode, told: Told) -> Result<Response, Failure> {
    let SubscriptionAnswer {
        subscription,
        became,
        replayed,
        gateway_time,
    } = answered;
    let own = format!("/api/v1/subscriptions/{}", subscription.subscription_id);
    let shown = |payment| Subscription::with(subscription, payment);
    let response = match became {
        Became::Nothing => Reply::new(done, &shown(None))?.into_response(),
        Became::Settled(payment) => Reply::new(done, &shown(Some(*payment)))?
            .gateway_time(gateway_time)
            .into_response(),
        Became::Pending(payment) => {
            let location = match told {
                Told::BySubscription => own,
                Told::ByPayment => format!("/api/v1/payments/{}", payment.payment_id),
            };
            let location = HeaderValue::from_str(&location);
            let location = location.map_err(|error| Failure::internal(&error))?;
            Reply::new(StatusCode::ACCEPTED, &shown(Some(*payment)))?
                .coded(Code::PaymentPending)
                .gateway_time(gateway_time)
                .header(LOCATION, location)
                .header(RETRY_AFTER, HeaderValue::from_static(PENDING_SECONDS))
                .into_response()
        }
        Became::NotGivenBack(payment, decline) => {
            let data = serde_json::to_value(shown(Some(*payment)));
            let data = data.map_err(|error| Failure::internal(&error))?;
            let error = json!({
                "code": decline.reason,
                "message": decline.message,
                "gatewayCode": decline.code,
            });
            Failure::from(Code::CancelDeclined)
                .error(error)
                .data(data)
                .gateway_time(gateway_time)
                .into_response()
        }
    };
    Ok(marked(response, replayed))
}

/// What a body may say and need not.
struct Maybe<T>(Option<T>);

impl<T: FromStr> FromStr for Maybe<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(|value| Self(Some(value)))
    }
}

/// An instant with an offset.
struct Instant(Timestamp);

/// A text that is no instant with an offset.
struct NoInstant;

impl FromStr for Instant {
    type Err = NoInstant;

    fn from_str(text: &str) -> Result<Self, NoInstant> {
        let instant = chrono::DateTime::parse_from_rfc3339(text);
        instant
            .map(|instant| Self(instant.to_utc()))
            .map_err(|_| NoInstant)
    }
}

impl From<NoInstant> for Code {
    fn from(_: NoInstant) -> Self {
        Self::InstantMalformed
    }
}

/// The subscription that the path names. Text that cannot be an id names none.
pub(super) struct SubscriptionPath(SubscriptionId);

impl FromRequestParts<Arc<Api>> for SubscriptionPath {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let missing = || Failure::from(Code::SubscriptionNotFound);
        let Path(text) = Path::<String>::from_request_parts(parts, api)
            .await
            .map_err(|_| missing())?;
        text.parse().map(Self).map_err(|_| missing())
    }
}
