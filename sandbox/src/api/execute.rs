//! Owns the execution of a call: idempotency around the rules, and the answer kept with them.

use std::sync::Arc;

use super::Arrival;
use crate::calls::Operation;
use crate::catalogue::{Language, Refusal};
use crate::config::ServerErrors;
use crate::journal::Broken;
use crate::objects;
use crate::operations::confirm::Twist;
use crate::operations::{account, authorize, billing, cancel, confirm, create, list, read};
use crate::sandbox::Sandbox;
use crate::state::State;
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

/// What an operation answers with.
enum Found {
    /// The payment with this key, as it is now.
    Payment(String),
    /// The billing key, as it was issued.
    BillingKey(String),
    /// JSON text.
    Json(String),
    /// No body at all.
    Nothing,
}

impl Told {
    pub(super) fn refused(
        refusal: &Refusal,
        (sandbox, arrival): (&Sandbox, &Arrival),
        trace_id: &str,
    ) -> Self {
        let settings = &sandbox.config.settings;
        Self {
            status: refusal.status(settings),
            body: refusal.body(arrival.language, settings.error_data),
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
    let refused = |code| Told::refused(&Refusal::of(code), (sandbox, arrival), trace_id);
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
            Begun::Told(Told::refused(&refusal, (sandbox, arrival), trace_id))
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
    let effects = |state: &State| (state.money_moved(), state.authorizations().len());
    let before = effects(transaction.state());
    let told = match decide(transaction, sandbox, arrival, twist) {
        Err(refusal) => Told::refused(&refusal, (sandbox, arrival), trace_id),
        Ok(found) => Told {
            status: 200,
            body: found.render(transaction, sandbox, arrival.language),
            code: None,
            trace_id: trace_id.to_owned(),
            replayed: false,
            effect: effects(transaction.state()) > before,
        },
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
) -> Result<Found, Refusal> {
    let context = sandbox.context(arrival.idempotency_key.as_deref());
    let target = arrival.target.as_deref().unwrap_or_default();
    let refuses_by_itself = matches!(
        arrival.operation,
        Operation::Confirm | Operation::Charge | Operation::Authorize
    );
    if let (Some(Twist::Refuse(code)), false) = (twist, refuses_by_itself) {
        return Err(Refusal::of(code));
    }
    let (body, config) = (&arrival.body, &sandbox.config);
    match arrival.operation {
        Operation::Confirm => confirm::confirm(transaction, context, body, twist),
        Operation::Get => read::by_key(transaction, context, target),
        Operation::GetByOrder => read::by_order(transaction, context, target),
        Operation::Cancel => {
            cancel::cancel(transaction, context, target, body).map(|()| target.to_owned())
        }
        Operation::Create => create::Opening::read(context, body, transaction.now())
            .and_then(|opening| create::open(transaction, context, opening)),
        Operation::Transactions => {
            return list::transactions(transaction, config, body).map(Found::Json);
        }
        Operation::Settlements => {
            return list::settlements(transaction, config, body).map(Found::Json);
        }
        Operation::IssueAccount => account::issue(transaction, context, body),
        Operation::IssueBillingKey => {
            return billing::issue(transaction, context, body).map(Found::BillingKey);
        }
        Operation::Charge => billing::charge(transaction, context, (target, body), twist),
        Operation::DeleteBillingKey => {
            return billing::delete(transaction, context, target).map(|()| Found::Nothing);
        }
        Operation::Authorize => {
            return authorize::authorize(transaction, context, body, twist).map(Found::Json);
        }
    }
    .map(Found::Payment)
}

impl Found {
    fn render(self, transaction: &Transaction, sandbox: &Sandbox, language: Language) -> String {
        match self {
            Self::Json(text) => text,
            Self::Nothing => String::new(),
            Self::BillingKey(billing_key) => {
                let key = transaction.state().billing.key(&billing_key);
                let key = key.expect("an operation returns the billing key it issued");
                objects::billing::render(key, &sandbox.config)
            }
            Self::Payment(payment_key) => {
                let payment = transaction.state().payment(&payment_key);
                let payment = payment.expect("an operation returns the key of a payment it found");
                objects::payment::render(payment, &sandbox.config, &sandbox.base, language)
            }
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.sandbox.store.lock().keys.release(&self.scope);
    }
}
