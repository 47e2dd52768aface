//! Owns beginning the charge of a cycle: its payment, that payment's saga and the cycle's row in
//! one commit, before any call.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::Ctx;
use domain::billing::{BillingKey, Status};
use domain::change::{Change, GatewayOrder};
use domain::id::{GatewayAccountId, GatewayOrderId, PaymentId, SagaId};
use domain::merchant;
use domain::payment::{
    ChargeRefusal, ChargeRequest, Customer, Facts, Kind, Payment, State as PayState,
};
use domain::principal::Actor;
use domain::saga::Saga;
use domain::subscription::{self, Cycle, Moved};
use domain::switch::Operation;
use domain::text::{OrderId, OrderName};
use tokio::sync::OwnedSemaphorePermit;
use tracing::{info, warn};

use super::follow::drawn;
use crate::App;
use crate::crash::crash_point;
use crate::cycles::{Charged, Charges, Cycles, DueCycle, ended};
use crate::idempotency::later;
use crate::patience::Patience;
use crate::ports::store::{self, CommitError};
use crate::trace::{self, Open, Side};

/// How long a cycle's payment can be tried; longer than most dunning takes. After it another
/// payment is made for the same cycle.
const LIFETIME: Duration = Duration::from_hours(14 * 24);
/// Of how many payments a cycle may be the order's: one for each that was spent without money.
const PAYMENTS_MAX: u32 = 99;

/// One cycle's turn: it may begin a charge, and hold a place until that charge is over or waits.
pub(super) struct Turn {
    pub(super) app: Arc<App>,
    pub(super) place: Mutex<Option<OwnedSemaphorePermit>>,
}

/// What a cycle is charged by.
enum Means {
    /// Its payment, as it was prepared before, and what has to be committed for its order.
    Again(Box<Payment>, GatewayOrder, Vec<Change>),
    /// Another one; an earlier one is closed with it.
    Anew(Option<Box<Payment>>),
    /// Nothing: it is paid already.
    Paid(Box<Payment>),
}

#[async_trait]
impl Charges for Turn {
    async fn begin(&self, due: &DueCycle) -> Result<(), CommitError> {
        let app = &self.app;
        // Nobody asked for it: its trace begins here.
        let mut open = Open::under(app.runner.fresh_trace(), "cycle", Side::Within);
        open.shown("payflow.subscription.id", &due.cycle.key.subscription);
        let trace = open.trace();
        let ctx = app.runner.ctx(SagaId::new(app.draw()), &trace);
        let begun = trace::within(trace, app.begin_cycle(due, &ctx)).await?;
        let Some((saga, payment)) = begun else {
            return Ok(());
        };
        let place = self.place.lock();
        let place = place.unwrap_or_else(PoisonError::into_inner).take();
        let runner = Arc::clone(&app.runner);
        app.runner.tasks.spawn(async move {
            let patience = Patience::of(Duration::ZERO);
            runner.drive(saga, Some(payment), &patience).await;
            drop(place);
        });
        Ok(())
    }

    async fn besides(&self, moved: &Moved, due: &DueCycle) -> Result<Vec<Change>, CommitError> {
        self.app.ends_with(due, &moved.changes).await
    }
}

impl App {
    /// Commits the begin of a cycle's charge; the saga that is to be driven now, where there is
    /// one. What cannot be charged for now is left as a conflict is: it is taken again.
    async fn begin_cycle(
        &self,
        due: &DueCycle,
        ctx: &Ctx<'_>,
    ) -> Result<Option<(Saga, Box<Payment>)>, CommitError> {
        let scope = due.cycle.scope;
        let tenant = self.tenant(scope.merchant).await?;
        if tenant.status != merchant::Status::Active {
            return Err(CommitError::Conflict);
        }
        let means = self.means(due, ctx).await?;
        if let Means::Paid(payment) = means {
            return self.already_paid(due, &payment).await;
        }
        let Some(key) = self.card_of(due).await? else {
            return self.without_card(due).await;
        };
        let means = match means {
            Means::Again(payment, ..) if payment.facts.account != key.account => {
                Means::Anew(Some(payment))
            }
            Means::Again(..) | Means::Anew(_) | Means::Paid(_) => means,
        };
        let request = self.may_charge(due, key.account)?;
        let (mut changes, payment, order) = match means {
            Means::Again(payment, order, fresh) => (fresh, *payment, order),
            Means::Anew(earlier) => self.fresh(due, key.account, earlier, ctx).await?,
            Means::Paid(_) => return Ok(None),
        };
        let id = payment.facts.id;
        let begun = payment.begin_charge(&request, &order, &key, ctx);
        let (moved, saga) = begun.map_err(|refusal| refused(due, &refusal))?;
        changes.extend(moved.changes);
        changes.push(begun_cycle(&due.cycle, id)?);
        crash_point!("cycle.before_begin_commit");
        self.parts.store.commit(&changes).await?;
        crash_point!("cycle.after_begin_commit");
        Ok(Some((saga, Box::new(moved.payment))))
    }

    /// How a charge at this account is begun, unless it should not be called now.
    fn may_charge(
        &self,
        due: &DueCycle,
        account: GatewayAccountId,
    ) -> Result<ChargeRequest, CommitError> {
        let scope = due.cycle.scope;
        let paused = self.ensure_not_paused(Operation::Charges, scope, account);
        let gateway = self.parts.gateways.of(account);
        let (Ok(()), Some(gateway)) = (paused, gateway) else {
            return Err(CommitError::Conflict);
        };
        let terms = gateway.terms();
        if !terms.active || gateway.admit().is_err() {
            return Err(CommitError::Conflict);
        }
        Ok(ChargeRequest {
            actor: Actor::System,
            credential_version: terms.credential_version,
            keyed: false,
            hold: Some(self.runner.hold()),
        })
    }

    /// The subscription's card, where it can be charged.
    async fn card_of(&self, due: &DueCycle) -> Result<Option<BillingKey>, store::Error> {
        let subscription = &due.subscription;
        let found = self.parts.store.any_billing_key(subscription.billing_key);
        let found = found.await?;
        Ok(found.filter(|key| {
            let own = key.scope == subscription.scope && key.member == subscription.member;
            own && key.status() == Status::Active
        }))
    }

    async fn means(&self, due: &DueCycle, ctx: &Ctx<'_>) -> Result<Means, CommitError> {
        let Some(id) = due.cycle.payment else {
            return Ok(Means::Anew(None));
        };
        let found = self.parts.store.any_payment(id).await?;
        let payment = Box::new(found.ok_or_else(|| missing(id))?);
        if payment.state.approved_at().is_some() {
            return Ok(Means::Paid(payment));
        }
        match payment.state {
            PayState::Ready { .. } if ctx.now < payment.facts.expires_at => {
                let order = self.order_to_charge(&payment).await?;
                let (order, fresh) = order.ok_or_else(|| missing(id))?;
                Ok(Means::Again(payment, order, Vec::from_iter(fresh)))
            }
            PayState::Ready { .. } => Ok(Means::Anew(Some(payment))),
            // What takes money is unresolved: another charge waits for it.
            PayState::InProgress { .. } | PayState::WaitingForDeposit { .. } => {
                Err(CommitError::Conflict)
            }
            PayState::Done { .. }
            | PayState::CancelRequested { .. }
            | PayState::PartialCanceled { .. }
            | PayState::Canceled { .. }
            | PayState::Aborted { .. }
            | PayState::Expired => Ok(Means::Anew(None)),
        }
    }

    /// Another payment for the cycle. An earlier one that could be tried still is closed in the
    /// same commit: of one cycle's payments only the newest can take money.
    pub(crate) async fn fresh(
        &self,
        due: &DueCycle,
        account: GatewayAccountId,
        earlier: Option<Box<Payment>>,
        ctx: &Ctx<'_>,
    ) -> Result<(Vec<Change>, Payment, GatewayOrder), CommitError> {
        let mut changes = match earlier.map(|payment| payment.expire(ctx)) {
            Some(Ok(moved)) => moved.changes,
            Some(Err(_)) => return Err(CommitError::Conflict),
            None => Vec::new(),
        };
        let (subscription, plan) = (&due.subscription, &due.plan);
        let facts = Facts {
            id: PaymentId::new(self.draw()),
            scope: due.cycle.scope,
            account,
            order_id: self.free_order(due).await?,
            order_name: order_name(due)?,
            amount: due.cycle.amount,
            tax_free: plan.terms.tax_free(),
            customer: Customer {
                name: None,
                member: Some(subscription.member.clone()),
            },
            kind: Kind::Billing,
            created_at: ctx.now,
            expires_at: later(ctx.now, LIFETIME),
        };
        let moved = Payment::prepare(facts, Actor::System, ctx);
        let order = GatewayOrder {
            id: GatewayOrderId::new(self.draw()),
            payment: moved.payment.facts.id,
            created_at: ctx.now,
        };
        changes.extend(moved.changes);
        changes.push(Change::InsertGatewayOrder(order.clone()));
        Ok((changes, moved.payment, order))
    }

    /// The cycle's own order, or the next of its orders that no payment has.
    async fn free_order(&self, due: &DueCycle) -> Result<OrderId, CommitError> {
        let own = due.cycle.key.order_id();
        for number in 1..=PAYMENTS_MAX {
            let order = match number {
                1 => own.clone(),
                _ => format!("{own}-r{number}")
                    .parse()
                    .map_err(|_| missing(&own))?,
            };
            let taken = self.parts.store.payment_of_order(due.cycle.scope, &order);
            if taken.await?.is_none() {
                return Ok(order);
            }
        }
        Err(missing(&own).into())
    }

    /// What was captured without the cycle's knowing is for it.
    async fn already_paid(
        &self,
        due: &DueCycle,
        payment: &Payment,
    ) -> Result<Option<(Saga, Box<Payment>)>, CommitError> {
        let charged = ended(payment, None).ok_or(CommitError::Conflict)?;
        self.as_charged(due, payment.facts.id, &charged).await
    }

    /// No card can be charged: another one is waited for, and nothing is sent.
    async fn without_card(
        &self,
        due: &DueCycle,
    ) -> Result<Option<(Saga, Box<Payment>)>, CommitError> {
        let id = due.cycle.payment;
        let id = id.unwrap_or_else(|| PaymentId::new(self.draw()));
        self.as_charged(due, id, &Charged::NoCard).await
    }

    /// Commits what follows a charge that needs no call, in the one change of the cycle's row.
    async fn as_charged(
        &self,
        due: &DueCycle,
        payment: PaymentId,
        charged: &Charged,
    ) -> Result<Option<(Saga, Box<Payment>)>, CommitError> {
        let charging = due.clone().charging(payment);
        let cycles = Cycles {
            store: self.parts.store.as_ref(),
            clock: self.parts.clock.as_ref(),
        };
        let by = (self.parts.clock.now(), drawn(self.parts.ids.as_ref()));
        let moved = cycles.after_charge(charging, charged, by);
        let moved = moved.map_err(|why| corrupt(due, &why))?;
        let mut changes = moved.changes;
        let more = self.ends_with(due, &changes).await?;
        changes.extend(more);
        self.parts.store.commit(&changes).await?;
        let (id, status) = (moved.subscription.id, moved.subscription.status);
        info!(subscription = %id, %status, "subscription moved without a charge");
        Ok(None)
    }

    /// What a charge on demand commits besides where the payment is for a cycle.
    ///
    /// # Errors
    /// The cycle is not to be charged now.
    pub(super) async fn cycle_to_begin(
        &self,
        payment: PaymentId,
    ) -> Result<Option<Change>, super::ChargeError> {
        let found = self.parts.store.cycle_of(payment).await?;
        let begun = found.map(|cycle| begun_cycle(&cycle, payment)).transpose();
        begun.map_err(|_| crate::payments::ActError::Refused(ChargeRefusal::Expired))
    }
}

pub(crate) fn begun_cycle(cycle: &Cycle, payment: PaymentId) -> Result<Change, CommitError> {
    let begun = cycle.begin(payment).map_err(|_| CommitError::Conflict)?;
    let update = subscription::Change::UpdateCycle {
        cycle: Box::new(begun),
        expected: cycle.version,
    };
    Ok(update.into())
}

/// Members read the plan's name; a name that no order can have does not keep them from paying.
fn order_name(due: &DueCycle) -> Result<OrderName, store::Error> {
    let name = due.plan.manner.name.as_str().parse();
    name.or_else(|_| due.plan.code.as_str().parse())
        .map_err(|why| corrupt(due, &why))
}

fn refused(due: &DueCycle, refusal: &ChargeRefusal) -> CommitError {
    let subscription = due.subscription.id;
    warn!(%subscription, %refusal, "a cycle is not charged now");
    CommitError::Conflict
}

fn corrupt(due: &DueCycle, why: &dyn std::fmt::Display) -> store::Error {
    store::Error::Corrupt {
        table: "cycles",
        id: due.cycle.key.order_id().to_string(),
        why: why.to_string(),
    }
}

fn missing(id: impl std::fmt::Display) -> store::Error {
    store::Error::Corrupt {
        table: "payments",
        id: id.to_string(),
        why: "a cycle's payment is not there".to_owned(),
    }
}
