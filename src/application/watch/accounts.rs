//! Owns which virtual accounts are looked at though nobody says that anything moved, each when it
//! is due by its own schedule, and the closing of those that are past their due date.

use domain::Ctx;
use domain::change::Change;
use domain::id::{GatewayOrderId, SagaId};
use domain::payment::{Moved, Payment};
use domain::saga::{Kind, Saga};
use domain::switch::Operation;
use tracing::{error, warn};

use crate::App;
use crate::ports::gateway::Ability;
use crate::ports::store::{self, CommitError, Sighting};

/// So many pages of accounts at most in one pass: the others are due in the next one.
const PAGES_MAX: usize = 10;

impl App {
    /// Keeps each account that is due as a sighting, due at once. It is kept first: who ends
    /// between the two does it again.
    ///
    /// # Errors
    /// The store is away.
    pub(super) async fn sight_accounts(&self) -> Result<(), store::Error> {
        let limit = self.parts.bounds.pass_rows;
        for _ in 0..PAGES_MAX {
            let now = self.parts.clock.now();
            let due = self.parts.store.accounts_to_ask(now, limit).await?;
            let is_last = u32::try_from(due.len()).is_ok_and(|due| due < limit);
            for payment in due {
                self.sight_or_pass_over(payment).await?;
            }
            if is_last {
                break;
            }
        }
        Ok(())
    }

    /// A row that cannot be read keeps no other account from being looked at: its own is the last
    /// of those that are due from now on.
    async fn sight_or_pass_over(&self, payment: Payment) -> Result<(), store::Error> {
        match self.sight_account(&payment).await {
            Ok(()) => Ok(()),
            Err(away @ store::Error::Unavailable(_)) => Err(away),
            Err(why @ (store::Error::Corrupt { .. } | store::Error::Broken(_))) => {
                error!(payment = %payment.facts.id, %why, "its account is not looked at");
                self.looked(payment).await
            }
        }
    }

    async fn sight_account(&self, payment: &Payment) -> Result<(), store::Error> {
        let store = &self.parts.store;
        let Some(order) = self.issued_for(payment).await? else {
            return Ok(());
        };
        let trace = self.runner.fresh_trace();
        let ctx = self.runner.ctx(SagaId::new(self.draw()), &trace);
        let mut moved = self.closing_of(payment, order, &ctx);
        // A closing cannot tell a new deposit from one that was taken back: a look can.
        if moved.is_none() || payment.was_paid_into() {
            let seen = self.sighting_of(payment, order);
            store.sight(&seen.into_iter().collect::<Vec<_>>()).await?;
            moved = moved.or_else(|| payment.clone().looked(&ctx));
        }
        match moved {
            Some(moved) => self.keep_look(&moved).await,
            None => Ok(()),
        }
    }

    /// Its account is due again when its schedule says, whatever came of this look.
    async fn looked(&self, payment: Payment) -> Result<(), store::Error> {
        let trace = self.runner.fresh_trace();
        let ctx = self.runner.ctx(SagaId::new(self.draw()), &trace);
        match payment.looked(&ctx) {
            Some(moved) => self.keep_look(&moved).await,
            None => Ok(()),
        }
    }

    async fn keep_look(&self, moved: &Moved) -> Result<(), store::Error> {
        let begun = |change: &Change| matches!(change, Change::InsertSaga { .. });
        match self.parts.store.commit(&moved.changes).await {
            Ok(()) if moved.changes.iter().any(begun) => self.wake.notify_one(),
            // Whoever moves it looks anew.
            Ok(()) | Err(CommitError::Conflict | CommitError::InDoubt) => {}
            Err(CommitError::Store(error)) => {
                self.parts.store.ping().await?;
                let payment = moved.payment.facts.id;
                warn!(%payment, %error, "an account stays due");
            }
        }
        Ok(())
    }

    /// What closes an account that is past its due date, where its gateway is served here, can do
    /// that, and nobody has paused cancellations.
    fn closing_of(&self, payment: &Payment, order: GatewayOrderId, ctx: &Ctx<'_>) -> Option<Moved> {
        if !payment.is_past_due(ctx.now) {
            return None;
        }
        let (scope, account) = (payment.facts.scope, payment.facts.account);
        self.ensure_not_paused(Operation::Cancels, scope, account)
            .ok()?;
        let gateway = self.parts.gateways.of(account)?;
        let terms = gateway.terms();
        if !terms.abilities.has(Ability::GivesBack) {
            return None;
        }
        let version = terms.credential_version;
        payment.clone().close_past_due(order, version, ctx)
    }

    /// The order that its account was issued for.
    async fn issued_for(&self, payment: &Payment) -> Result<Option<GatewayOrderId>, store::Error> {
        let sagas = self.parts.store.sagas_of(payment.facts.id).await?;
        let mut sagas = sagas.iter().rev();
        let issue = sagas.find(|saga| saga.head.kind() == Kind::AccountIssue);
        Ok(issue.map(Saga::order))
    }

    fn sighting_of(&self, payment: &Payment, order: GatewayOrderId) -> Option<Sighting> {
        let account = payment.account.as_ref()?;
        Some(Sighting {
            account: payment.facts.account,
            key: account.payment_key.clone(),
            order,
            first_seen_at: self.parts.clock.now(),
            moved_at: None,
            looks: 0,
            verdict: None,
            reported: false,
        })
    }
}
