//! Owns the way of a call through the faults: what happens instead of, within or after it.

use std::sync::Arc;
use std::time::Duration;

use axum::response::Response;

use super::execute::{Told, execute};
use super::{Arrival, wire};
use crate::auth;
use crate::calls::Call;
use crate::catalogue::Refusal;
use crate::clock::record_date;
use crate::config::TooManyRequests;
use crate::faults::{Fault, Subject, When};
use crate::ids;
use crate::operations::confirm::Twist;
use crate::sandbox::Sandbox;

/// What goes over the wire.
enum Reply {
    /// The gateway's own answer.
    Told(Told),
    /// The gateway's answer, damaged on its way.
    Damaged(Told, Response),
    /// An answer of the edge: the gateway may or may not have been reached.
    Edge(Option<Told>, Response),
    /// Nothing: the connection dies.
    Nothing(Option<Told>),
}

/// Answers one call and keeps a record of it.
pub(super) async fn process(sandbox: Arc<Sandbox>, arrival: Arrival) -> Response {
    let trace_id = ids::trace_id();
    let subject = arrival.subject(&sandbox.store.lock(), &sandbox.config.settings);
    if let Err((refusal, fault)) = admit(&sandbox, &arrival) {
        let told = Told::refused(&refusal, (&sandbox, &arrival), &trace_id);
        return close(&sandbox, &arrival, subject, (Reply::Told(told), fault));
    }
    let Some(fault) = sandbox.faults.strike(&subject) else {
        let told = execute(&sandbox, &arrival, None, &trace_id).await;
        let reply = told.map_or(Reply::Nothing(None), Reply::Told);
        return close(&sandbox, &arrival, subject, (reply, None));
    };
    let name = fault.name();
    if let Fault::Late { milliseconds } = fault {
        let response = close(
            &sandbox,
            &arrival,
            subject.clone(),
            (Reply::Nothing(None), Some(name)),
        );
        let tasks = sandbox.tasks.clone();
        tasks.spawn(arrive_late(sandbox, arrival, subject, milliseconds));
        return response;
    }
    let reply = suffer(&sandbox, &arrival, fault, &trace_id).await;
    close(&sandbox, &arrival, subject, (reply, Some(name)))
}

fn too_many_requests() -> Refusal {
    Refusal::undocumented("TOO_MANY_REQUESTS", 429)
}

/// What the gateway looks at before anything else; the card company knows no keys.
fn admit(sandbox: &Sandbox, arrival: &Arrival) -> Result<(), (Refusal, Option<&'static str>)> {
    if !arrival.operation.is_of_gateway() {
        return Ok(());
    }
    let checked = auth::check(arrival.authorization.as_deref(), &sandbox.config);
    checked.map_err(|refusal| (refusal, None))?;
    let (settings, now) = (&sandbox.config.settings, sandbox.clock.now());
    let limit = settings.requests_per_minute;
    if !sandbox.rates.admit(arrival.operation, now, limit) {
        return Err((too_many_requests(), Some("tooManyRequests")));
    }
    match arrival.forced(&sandbox.config.secret_key) {
        Some(refusal) => Err((refusal, Some("testCode"))),
        None => Ok(()),
    }
}

/// Plays one fault.
async fn suffer(sandbox: &Arc<Sandbox>, arrival: &Arrival, fault: Fault, trace_id: &str) -> Reply {
    let refuse =
        |refusal: Refusal| Reply::Told(Told::refused(&refusal, (sandbox, arrival), trace_id));
    let twist = match &fault {
        Fault::DropBefore | Fault::Late { .. } => return Reply::Nothing(None),
        Fault::Status {
            status,
            when: When::Before,
            html,
        } => {
            return Reply::Edge(None, wire::edge(*status, *html));
        }
        Fault::TooManyRequests => {
            return match sandbox.config.settings.too_many_requests {
                TooManyRequests::Code => refuse(too_many_requests()),
                TooManyRequests::Empty => Reply::Edge(None, wire::edge(429, false)),
            };
        }
        Fault::Processing => return refuse(Refusal::of("IDEMPOTENT_REQUEST_PROCESSING")),
        Fault::NotFound => return refuse(Refusal::of("NOT_FOUND_PAYMENT")),
        Fault::Delay { milliseconds } => {
            if !sandbox.pause(Duration::from_millis(*milliseconds)).await {
                return Reply::Nothing(None);
            }
            None
        }
        Fault::Code { code } => Some(Twist::Refuse(code.clone())),
        Fault::UnknownCode => {
            let tail: String = trace_id.chars().take(8).collect();
            Some(Twist::Refuse(format!("NEVER_SEEN_{}", tail.to_uppercase())))
        }
        Fault::OverCapture { amount } => Some(Twist::Amount(*amount)),
        Fault::DropAfter
        | Fault::CutBody
        | Fault::Status {
            when: When::After, ..
        }
        | Fault::WrongBody { .. } => None,
    };
    let Ok(told) = execute(sandbox, arrival, twist, trace_id).await else {
        return Reply::Nothing(None);
    };
    match fault {
        Fault::DropAfter => Reply::Nothing(Some(told)),
        Fault::CutBody => {
            let response = wire::cut(&told, arrival);
            Reply::Damaged(told, response)
        }
        Fault::Status { status, html, .. } => Reply::Edge(Some(told), wire::edge(status, html)),
        Fault::WrongBody { field } => {
            let response = wire::wrong(&told, arrival, field);
            Reply::Damaged(told, response)
        }
        Fault::Delay { .. }
        | Fault::DropBefore
        | Fault::Code { .. }
        | Fault::UnknownCode
        | Fault::TooManyRequests
        | Fault::Processing
        | Fault::NotFound
        | Fault::Late { .. }
        | Fault::OverCapture { .. } => Reply::Told(told),
    }
}

/// The request that was under way when its connection died.
async fn arrive_late(sandbox: Arc<Sandbox>, arrival: Arrival, subject: Subject, milliseconds: u64) {
    if !sandbox.pause(Duration::from_millis(milliseconds)).await {
        return;
    }
    let told = execute(&sandbox, &arrival, None, &ids::trace_id())
        .await
        .ok();
    let call = call(
        &sandbox,
        &arrival,
        subject,
        told.as_ref(),
        (None, Some("lateEffect")),
    );
    sandbox.calls.add(call, false);
}

/// Records the call and turns its reply into what the connection carries.
fn close(
    sandbox: &Sandbox,
    arrival: &Arrival,
    subject: Subject,
    (reply, fault): (Reply, Option<&'static str>),
) -> Response {
    let (told, response) = match reply {
        Reply::Told(told) => {
            let response = wire::told(&told, arrival);
            (Some(told), Some(response))
        }
        Reply::Damaged(told, response) => (Some(told), Some(response)),
        Reply::Edge(told, response) => (told, Some(response)),
        Reply::Nothing(told) => (told, None),
    };
    let status = response.as_ref().map(|response| response.status().as_u16());
    sandbox.calls.add(
        call(sandbox, arrival, subject, told.as_ref(), (status, fault)),
        true,
    );
    response.unwrap_or_else(wire::reset)
}

fn call(
    sandbox: &Sandbox,
    arrival: &Arrival,
    subject: Subject,
    told: Option<&Told>,
    (status, fault): (Option<u16>, Option<&'static str>),
) -> Call {
    Call {
        sequence: 0,
        operation: subject.operation,
        payment_key: subject.payment_key,
        order_id: subject.order_id,
        idempotency_key: arrival.idempotency_key.clone(),
        traceparent: arrival.traceparent.clone(),
        status,
        code: told.and_then(|told| told.code.clone()),
        replayed: told.is_some_and(|told| told.replayed),
        effect: told.is_some_and(|told| told.effect),
        fault,
        at: record_date(sandbox.clock.now()),
    }
}
