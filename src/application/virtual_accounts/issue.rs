//! Owns having a virtual account issued, and showing it to its owner.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::SubsecRound as _;
use domain::Timestamp;
use domain::id::{PaymentId, SagaId};
use domain::payment::{AccountRequest, ApproveRefusal, Payment};
use domain::switch::Operation;
use domain::text::CustomerName;
use domain::virtual_account::BankCode;

use super::sealed::{self, away};
use crate::idempotency::{Keyed, later};
use crate::outcome::Outcome;
use crate::payments::{ActError, Answered, ApproveError, Command, Decided, Verb};
use crate::ports::gateway::{AccountWish, CashReceipt};
use crate::ports::store;
use crate::view::PaymentView;
use crate::{App, Caller};

/// A due date that is nearer could be over when the gateway hears of it.
const DUE_MIN: Duration = Duration::from_mins(1);
/// Ninety days (`toss-api.md §6.5`).
const DUE_MAX: Duration = Duration::from_hours(90 * 24);

/// Until when a deposit is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// For so long from now.
    Within(Duration),
    /// Until then.
    At(Timestamp),
}

/// A virtual account to be issued for a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskAccount {
    /// For which payment; it says how much is to be paid in.
    pub payment: PaymentId,
    /// At which bank.
    pub bank: BankCode,
    /// Until when.
    pub due: Due,
    /// In whose name; the payment's customer where none is given.
    pub customer_name: Option<CustomerName>,
    /// The receipt that is issued with the deposit, where one is wanted.
    pub receipt: Option<CashReceipt>,
}

impl App {
    /// Has a virtual account issued, and shows where to pay in.
    ///
    /// # Errors
    /// See [`ActError`]; nothing is stored and nothing was sent then.
    pub async fn ask_account(
        self: &Arc<Self>,
        caller: Caller,
        command: AskAccount,
        keyed: Keyed,
    ) -> Result<Answered, ApproveError> {
        let (whose, payment) = (caller.clone(), command.payment);
        let mut answered = self.act(caller, command, keyed).await?;
        // What is personal of it lies in no stored outcome: it is opened for each answer.
        if let Outcome::Ended(ended) = &mut answered.outcome
            && let Some(view) = ended.payment_mut()
            && view.virtual_account.is_some()
        {
            let found = self.parts.store.payment(&whose.owner(), payment).await?;
            if let Some(payment) = found {
                self.show_account(&payment, view).await?;
            }
        }
        Ok(answered)
    }

    /// Completes the view of a payment with what is personal of its account.
    pub(crate) async fn show_account(
        &self,
        payment: &Payment,
        view: &mut PaymentView,
    ) -> Result<(), store::Error> {
        let opened = self.opened_account(payment).await.map_err(away)?;
        if let (Some(opened), Some(shown)) = (opened, &mut view.virtual_account) {
            shown.account_number = Some(opened.number.expose().to_owned());
            shown.holder = opened.holder.map(|holder| holder.expose().to_owned());
        }
        Ok(())
    }
}

#[async_trait]
impl Command for AskAccount {
    type Refusal = ApproveRefusal;

    const VERB: Verb = Verb::IssueAccount;

    fn payment(&self) -> PaymentId {
        self.payment
    }

    async fn decide(
        &self,
        app: &App,
        caller: &Caller,
        payment: Payment,
    ) -> Result<Decided, ApproveError> {
        let account = payment.facts.account;
        app.ensure_not_paused(Operation::Approvals, caller.scope, account)?;
        let orders = app.parts.store.gateway_orders(payment.facts.id).await?;
        let order = orders.into_iter().next();
        let order = order.ok_or(ActError::Refused(ApproveRefusal::OrderMismatch))?;
        let gateway = app.parts.gateways.of(account);
        let terms = gateway.as_ref().map(|gateway| gateway.terms());
        let terms = terms.unwrap_or_default();
        let ctx = app.runner.ctx(SagaId::new(app.draw()), &caller.trace);
        let named = self.customer_name.clone();
        let named = named.or_else(|| payment.facts.customer.name.clone());
        let due_at = match self.due {
            Due::Within(time) => later(ctx.now, time),
            Due::At(at) => at,
        };
        if due_at <= later(ctx.now, DUE_MIN) || due_at > later(ctx.now, DUE_MAX) {
            return Err(ActError::Refused(ApproveRefusal::DueDate));
        }
        let wish = AccountWish {
            bank: self.bank.clone(),
            // The gateway takes whole seconds.
            due_at: due_at.trunc_subsecs(0),
            customer_name: named.ok_or(ActError::Refused(ApproveRefusal::NoCustomer))?,
            receipt: self.receipt.clone(),
            order_name: payment.facts.order_name.clone(),
        };
        let saga = (payment.facts.scope.merchant, ctx.spare);
        let vault = app.parts.post.vault.as_ref();
        let sealed = sealed::sealed_wish(vault, saga, &wish).await;
        let request = AccountRequest {
            wish: sealed.map_err(away)?,
            actor: caller.actor,
            credential_version: terms.credential_version,
            keyed: true,
            hold: Some(app.runner.hold()),
        };
        let begun = payment.begin_account(&request, &order, &ctx);
        let (moved, saga) = begun.map_err(ActError::Refused)?;
        let gateway = gateway.ok_or(ActError::NoGateway)?;
        if !terms.active {
            return Err(ActError::AccountDisabled);
        }
        gateway.admit()?;
        Ok(Decided::Drive(moved, Box::new(saga)))
    }
}
