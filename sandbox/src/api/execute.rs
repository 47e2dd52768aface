//! Owns the execution of a call: idempotency around the rules, and the answer kept with them.

use std::sync::Arc;

use super::Arrival;
use crate::calls::Operation;
use crate::catalogue::Refusal;
use crate::config::ServerErrors;
use crate::journal::Broken;
use crate::operations::confirm::Twist;
use crate::operations::{cancel, confirm, create, read};
use crate::payment_object;
use crate::sandbox::Sandbox;
use crate::state::fact::Fact;
use crate::state::idempotency::{Answered, KEY_CHARACTERS_MAX, Scope, Standing};
use crate::store::Transaction;

/// What the gateway decided to tell.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) status: u16,
    pub(super) body: String,
    pub(super) code: Option<String>,
    pub(super) trace_id: String,
    pub(super) replayed: bool,
    pub(super) effect: bool,
}

/// A key that is marked as running for as long as this lives.
struct Running<'a> {
    sandbox: &'a Sandbox,
    scope: Scope,
}

enum Begun<'a> {
    Told(Told),
    Run(Running<'a>),
}

impl Told {
    pub(super) fn refused(refusal: &Refusal, arrival: &Arrival, trace_id: &str) -> Self {
        Self {
            status: refusal.http,
            body: refusal.body(arrival.language),
            code: Some(refusal.code.clone()),
            trace_id: trace_id.to_owned(),
            replayed: false,
            effect: false,
        }
    }
}

/// Executes a call, or replays what was told under its key; returns once it is on disk.
pub(super) async fn execute(
    sandbox: &Arc<Sandbox>,
    arrival: &Arrival,
    twist: Option<Twist>,
    trace_id: &str,
) -> Result<Told, Broken> {
    let refused = |code| Told::refused(&Refusal::of(code), arrival, trace_id);
    let running = match &arrival.idempotency_key {
        None => None,
        Some(key) if key.chars().count() > KEY_CHARACTERS_MAX => {
            return Ok(refused("INVALID_IDEMPOTENCY_KEY"));
        }
        Some(key) => match begin(sandbox, arrival, key, trace_id) {
            Begun::Run(running) => Some(running),
            Begun::Told(told) => {
                sandbox.store.commit(|_| ()).await?;
                return Ok(told);
            }
        },
    };
    if !sandbox.pause(sandbox.config.latency).await {
        return Err(Broken);
    }
    let scope = running.as_ref().map(|running| &running.scope);
    let decide = |transaction: &mut Transaction| {
        run(
            transaction,
            sandbox,
            (arrival, scope),
            twist.as_ref(),
            trace_id,
        )
    };
    sandbox.store.commit(decide).await
}

/// Looks the key up, and marks it as running if it is new, under one lock.
fn begin<'a>(sandbox: &'a Sandbox, arrival: &Arrival, key: &str, trace_id: &str) -> Begun<'a> {
    let scope = Scope {
        api_key: sandbox.api_key.clone(),
        method: "POST".to_owned(),
        path: arrival.path.clone(),
        key: key.to_owned(),
    };
    let mut state = sandbox.store.lock();
    let lifetime = sandbox.config.settings.idempotency;
    match state.keys.standing(&scope, sandbox.clock.now(), lifetime) {
        Standing::Running => {
            let refusal = Refusal::of("IDEMPOTENT_REQUEST_PROCESSING");
            Begun::Told(Told::refused(&refusal, arrival, trace_id))
        }
        Standing::Answered(answered) => Begun::Told(Told {
            status: answered.status,
            body: answered.body.clone(),
            code: answered.code.clone(),
            trace_id: format!("{trace_id},{}", answered.trace_id),
            replayed: true,
            effect: false,
        }),
        Standing::New => {
            state.keys.start(scope.clone());
            Begun::Run(Running { sandbox, scope })
        }
    }
}

/// Decides under the lock; the answer becomes a fact together with what it tells of.
fn run(
    transaction: &mut Transaction,
    sandbox: &Sandbox,
    (arrival, scope): (&Arrival, Option<&Scope>),
    twist: Option<&Twist>,
    trace_id: &str,
) -> Told {
    let moved_before = transaction.state().ledger().len();
    let told = match decide(transaction, sandbox, arrival, twist) {
        Err(refusal) => Told::refused(&refusal, arrival, trace_id),
        Ok(payment_key) => {
            let payment = transaction.state().payment(&payment_key);
            let payment = payment.expect("an operation returns the key of a payment it found");
            let (config, language) = (&sandbox.config, arrival.language);
            Told {
                status: 200,
                body: payment_object::render(payment, config, &sandbox.base, language),
                code: None,
                trace_id: trace_id.to_owned(),
                replayed: false,
                effect: transaction.state().ledger().len() > moved_before,
            }
        }
    };
    let kept = told.status < 500 || sandbox.config.settings.server_errors == ServerErrors::Stored;
    if let Some(scope) = scope.filter(|_| kept) {
        let answered = Answered {
            scope: scope.clone(),
            status: told.status,
            code: told.code.clone(),
            body: told.body.clone(),
            trace_id: told.trace_id.clone(),
            first_used_at: transaction.now(),
        };
        transaction.record(Fact::Answered {
            answered: Box::new(answered),
        });
    }
    told
}

fn decide(
    transaction: &mut Transaction,
    sandbox: &Sandbox,
    arrival: &Arrival,
    twist: Option<&Twist>,
) -> Result<String, Refusal> {
    let context = sandbox.context(arrival.idempotency_key.as_deref());
    let target = arrival.target.as_deref().unwrap_or_default();
    if let (Some(Twist::Refuse(code)), false) = (twist, arrival.operation == Operation::Confirm) {
        return Err(Refusal::of(code));
    }
    match arrival.operation {
        Operation::Confirm => confirm::confirm(transaction, context, &arrival.body, twist),
        Operation::Get => read::by_key(transaction, context, target),
        Operation::GetByOrder => read::by_order(transaction, context, target),
        Operation::Cancel => {
            cancel::cancel(transaction, context, target, &arrival.body).map(|()| target.to_owned())
        }
        Operation::Create => create::Opening::read(context, &arrival.body)
            .and_then(|opening| create::open(transaction, context, opening)),
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.sandbox.store.lock().keys.release(&self.scope);
    }
}
