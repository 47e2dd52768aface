//! Owns the endpoints of payments: prepare, open again, approve, read, list.

use std::sync::Arc;
use std::time::Duration;

use application::ports::store::PaymentFilter;
use application::{Answered, Approve, Caller, Ended, Outcome, PaymentView, Prepare};
use axum::Extension;
use axum::extract::State;
use axum::http::header::{LOCATION, RETRY_AFTER};
use axum::http::{HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use domain::money::{Currency, Money};
use domain::payment::{Customer, Kind};
use serde_json::json;

use super::bodies::{ApprovePayment, Payment, Payments, PreparePayment, Success};
use super::body::JsonBody;
use super::catalogue::Code;
use super::cursor;
use super::envelope::{Failure, Reply};
use super::extract::{KeyHeader, PaymentPath};
use super::json::Form;
use super::query::Query;
use super::{Api, Settings};

const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const LIFETIME_SECONDS_MIN: u64 = 60;
const PAGE_ROWS: u32 = 20;
const PAGE_ROWS_MAX: u32 = 100;
/// When to look at a pending payment again.
pub(super) const PENDING_SECONDS: &str = "2";

/// Prepare a payment
///
/// Registers what is to be paid and answers with the `gatewayOrderId` to open the payment window
/// with. An order can have one payment.
#[utoipa::path(
    post,
    path = "/api/v1/payments",
    tag = "payments",
    params(("Idempotency-Key" = Option<String>, Header, description = "Makes repeats safe",
         pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#)),
    request_body = PreparePayment,
    responses((status = 201, description = "The payment, READY", body = Success<Payment>)),
)]
pub(super) async fn prepare(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    key: KeyHeader,
    body: JsonBody,
) -> Result<Response, Failure> {
    let command = prepare_command(body.form()?, &api.settings)?;
    let keyed = key.optional().map(|key| body.keyed(key));
    let answered = api.app.prepare(&caller, &command, keyed.as_ref()).await?;
    answer(answered)
}

/// Open the payment window again
///
/// A window that was opened and left needs a fresh `gatewayOrderId`: the gateway takes each once.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{paymentId}/checkout",
    tag = "payments",
    params(("paymentId" = String, Path, description = "The payment")),
    responses((status = 200, description = "The payment with a fresh `gatewayOrderId`",
               body = Success<Payment>)),
)]
pub(super) async fn checkout(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
) -> Result<Reply, Failure> {
    let opening = api.app.reopen(&caller, payment).await?;
    Reply::new(StatusCode::OK, &Payment::from(opening.payment))
}

/// Approve a payment
///
/// Passes on what the redirect brought back; order and amount are compared with the prepared ones
/// before anything is sent. 202 means that the gateway has not told the outcome in time: read the
/// payment until it has one. Nothing has to be sent again.
#[utoipa::path(
    post,
    path = "/api/v1/payments/{paymentId}/approve",
    tag = "payments",
    params(
        ("paymentId" = String, Path, description = "The payment"),
        ("Idempotency-Key" = String, Header, description = "Makes repeats safe",
         pattern = r#"^([!#-~][!-~]{0,254}|"([!#-\[\]-~]|\\["\\]){1,255}")$"#),
        ("Prefer" = Option<String>, Header,
         description = "`respond-async` is answered 202 at once, and a worker goes on"),
        ("Step-Up-Proof" = Option<String>, Header,
         description = "Of a member: a signed proof of the person, where it is asked for"),
        ("Device-Id" = Option<String>, Header, min_length = 16, max_length = 128,
         pattern = "^[!-~]+$", description = "Of a member: the device that the proof is bound to"),
    ),
    request_body = ApprovePayment,
    responses(
        (status = 200, description = "The money is taken", body = Success<Payment>),
        (status = 202, description = "PAYMENT_PENDING: see `Location`", body = Success<Payment>,
         headers(("Location" = String, description = "Where the payment is to be read"),
                 ("Retry-After" = u64, description = "When, in seconds"))),
    ),
)]
pub(super) async fn approve(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
    key: KeyHeader,
    body: JsonBody,
) -> Result<Response, Failure> {
    let asynchronous = key.leaves();
    let key = key.required()?;
    let mut form = body.form()?;
    let payment_key = form.required("paymentKey");
    let gateway_order = form.required("gatewayOrderId");
    let amount = positive(&mut form, "amount", Money::MINOR_MAX);
    let command = (|| {
        Some(Approve {
            payment,
            payment_key: payment_key?,
            gateway_order: gateway_order?,
            amount_minor: amount?,
            asynchronous,
        })
    })();
    let command = form.finish(command)?;
    let answered = api.app.approve(caller, command, body.keyed(key)).await?;
    let mut response = answer(answered)?;
    if asynchronous && response.status() == StatusCode::ACCEPTED {
        let applied = HeaderValue::from_static("respond-async");
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    Ok(response)
}

/// Read a payment
///
/// Reading a payment that waits for the gateway hastens the question about it.
#[utoipa::path(
    get,
    path = "/api/v1/payments/{paymentId}",
    tag = "payments",
    params(("paymentId" = String, Path, description = "The payment")),
    responses((status = 200, description = "The payment", body = Success<Payment>)),
)]
pub(super) async fn read(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    PaymentPath(payment): PaymentPath,
) -> Result<Reply, Failure> {
    let view = api.app.payment(&caller, payment).await?;
    Reply::new(StatusCode::OK, &Payment::from(view))
}

/// List payments
///
/// Newest first. One of `orderId`, `customerName` and `memberId` can be given, together with any
/// of the others.
#[utoipa::path(
    get,
    path = "/api/v1/payments",
    tag = "payments",
    params(
        ("status" = Option<String>, Query, description = "In this status"),
        ("kind" = Option<String>, Query, description = "Of this kind"),
        ("orderId" = Option<String>, Query, description = "Of this order"),
        ("customerName" = Option<String>, Query, description = "Of exactly this customer"),
        ("memberId" = Option<String>, Query, description = "Of this member"),
        ("from" = Option<String>, Query, description = "Created at or after, ISO 8601"),
        ("until" = Option<String>, Query, description = "Created before, ISO 8601"),
        ("limit" = Option<u32>, Query, minimum = 1, maximum = 100,
         description = "Rows, 1 to 100; 20 by default"),
        ("cursor" = Option<String>, Query, description = "`nextCursor` of the page before"),
    ),
    responses((status = 200, description = "A page of payments", body = Success<Payments>)),
)]
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    mut query: Query,
) -> Result<Reply, Failure> {
    let filter = filter(&mut query);
    let limit = query
        .number("limit", 1..=PAGE_ROWS_MAX)
        .unwrap_or(PAGE_ROWS);
    let text = query.text("cursor");
    let after = text.as_deref().and_then(|text| {
        let after = cursor::read(text);
        if after.is_none() {
            query.refuse("cursor", Code::CursorInvalid);
        }
        after
    });
    query.finish()?;
    let page = api.app.payments(&caller, filter, after, limit).await?;
    let payments = Payments {
        payments: page.rows.into_iter().map(Payment::from).collect(),
        next_cursor: page.next.as_ref().map(cursor::written),
    };
    Reply::new(StatusCode::OK, &payments)
}

fn filter(query: &mut Query) -> PaymentFilter {
    let filter = PaymentFilter {
        status: query.parsed("status"),
        kind: query.parsed("kind"),
        order_id: query.parsed("orderId"),
        customer_name: query.parsed("customerName"),
        member: query.parsed("memberId"),
        from: query.instant("from"),
        until: query.instant("until"),
    };
    let selectors = [
        ("orderId", filter.order_id.is_some()),
        ("customerName", filter.customer_name.is_some()),
        ("memberId", filter.member.is_some()),
    ];
    // Each of them has an index; two at once have none.
    for (name, _) in selectors.into_iter().filter(|(_, given)| *given).skip(1) {
        query.refuse(name, Code::FilterCombination);
    }
    if let (Some(from), Some(until)) = (filter.from, filter.until)
        && from >= until
    {
        query.refuse("until", Code::FieldRange);
    }
    filter
}

fn prepare_command(mut form: Form, settings: &Settings) -> Result<Prepare, Failure> {
    let order_id = form.required("orderId");
    let order_name = form.required("orderName");
    let currency = form.optional_as("currency", Currency::Krw);
    let minor = positive(&mut form, "amount", settings.amount_minor_max);
    let tax_free = form.optional_amount("taxFreeAmount");
    if let (Some(tax_free), Some(minor)) = (tax_free, minor)
        && tax_free > minor
    {
        form.refuse("taxFreeAmount", Code::TaxFreeOverAmount);
    }
    let kind = form.optional_as("kind", Kind::OneOff);
    // Banks take no other money in.
    if kind == Some(Kind::VirtualAccount) && currency.is_some_and(|other| other != Currency::Krw) {
        form.refuse("currency", Code::CurrencyDisabled);
    }
    let method = form.optional_word("method");
    let customer = form.nested("customer", "customer.", |form| Customer {
        name: form.optional("name"),
        member: form.optional("memberId"),
    });
    let member = customer
        .as_ref()
        .and_then(|customer| customer.member.as_ref());
    if kind == Some(Kind::Billing) && member.is_none() {
        form.refuse("customer.memberId", Code::FieldRequired);
    }
    let range = LIFETIME_SECONDS_MIN..=settings.lifetime_seconds_max;
    let lifetime = form.optional_number("expiresInSeconds", range);
    let command = (|| {
        let money = |minor| Money::new(minor, currency?).ok();
        Some(Prepare {
            order_id: order_id?,
            order_name: order_name?,
            amount: money(minor?)?,
            tax_free: tax_free.and_then(money),
            kind: kind?,
            method,
            customer: customer.unwrap_or_default(),
            lifetime: lifetime.map(Duration::from_secs),
        })
    })();
    form.finish(command)
}

/// An amount above zero and within the limit.
fn positive(form: &mut Form, name: &str, limit: i64) -> Option<i64> {
    let minor = form.required_amount(name)?;
    let refused = if minor == 0 {
        Code::AmountZero
    } else if minor > limit.min(Money::MINOR_MAX) {
        Code::AmountOverLimit
    } else {
        return Some(minor);
    };
    form.refuse(name, refused);
    None
}

/// What a use case with an idempotency key is answered with, the first time and again.
pub(super) fn answer(answered: Answered) -> Result<Response, Failure> {
    let Answered {
        outcome,
        replayed,
        gateway_time,
        ..
    } = answered;
    let mut response = match outcome {
        Outcome::Ended(Ended::Prepared { payment }) => shown(StatusCode::CREATED, *payment)?,
        Outcome::Ended(
            Ended::Approved { payment } | Ended::Issued { payment } | Ended::Canceled { payment },
        ) => shown(StatusCode::OK, *payment)?.gateway_time(gateway_time),
        Outcome::Ended(Ended::Declined { payment, decline }) => {
            let failure = declined(Code::PaymentDeclined, *payment, &decline)?;
            let failure = failure.gateway_time(gateway_time);
            return Ok(marked(failure.into_response(), replayed));
        }
        Outcome::Ended(Ended::CancelDeclined { payment, decline }) => {
            let failure = declined(Code::CancelDeclined, *payment, &decline)?;
            let failure = failure.gateway_time(gateway_time);
            return Ok(marked(failure.into_response(), replayed));
        }
        // What such a key was used for is another route's request.
        Outcome::Ended(Ended::Subscription { .. }) => {
            return Err(Failure::internal(&"a payment's answer is a subscription's"));
        }
        Outcome::Pending(payment) => {
            let location = format!("/api/v1/payments/{}", payment.payment_id);
            let location = HeaderValue::from_str(&location);
            let location = location.map_err(|error| Failure::internal(&error))?;
            shown(StatusCode::ACCEPTED, *payment)?
                .coded(Code::PaymentPending)
                .gateway_time(gateway_time)
                .header(LOCATION, location)
                .header(RETRY_AFTER, HeaderValue::from_static(PENDING_SECONDS))
        }
    }
    .into_response();
    response = marked(response, replayed);
    Ok(response)
}

fn shown(status: StatusCode, payment: PaymentView) -> Result<Reply, Failure> {
    Reply::new(status, &Payment::from(payment))
}

pub(super) fn declined(
    code: Code,
    payment: PaymentView,
    decline: &application::view::DeclineView,
) -> Result<Failure, Failure> {
    let data = serde_json::to_value(Payment::from(payment));
    let data = data.map_err(|error| Failure::internal(&error))?;
    let error = json!({
        "code": decline.reason,
        "message": decline.message,
        "gatewayCode": decline.code,
    });
    Ok(Failure::from(code).error(error).data(data))
}

pub(super) fn marked(mut response: Response, replayed: bool) -> Response {
    if replayed {
        let headers = response.headers_mut();
        headers.insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}
