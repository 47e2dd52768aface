//! Owns which virtual accounts are looked at though nobody says that anything moved, each when it
//! is due by its own schedule, and the closing of those that are past their due date.

use domain::Ctx;
use domain::change::Change;
use domain::id::{GatewayOrderId, SagaId};
use domain::payment::{Moved, Payment};
use domain::saga::{Kind, Saga};
use tracing::warn;

use crate::App;
use crate::ports::store::{self, CommitError, Sighting};

impl App {
    /// Keeps each account that is due as a sighting, due at once. It is kept first: who ends
    /// between the two does it again.
    ///
    /// # Errors
    /// The store is away.
    pub(super) async fn sight_accounts(&self) -> Result<(), store::Error> {
        let store = &self.parts.store;
        let now = self.parts.clock.now();
        let limit = self.parts.bounds.pass_rows;
        for payment in store.accounts_to_ask(now, limit).await? {
            let Some(order) = self.issued_for(&payment).await? else {
                continue;
            };
            let trace = self.runner.fresh_trace();
            let ctx = self.runner.ctx(SagaId::new(self.draw()), &trace);
            let mut moved = self.closing_of(&payment, order, &ctx);
            if moved.is_none() {
                let seen = self.sighting_of(&payment, order);
                store.sight(&seen.into_iter().collect::<Vec<_>>()).await?;
                moved = payment.looked(&ctx);
            }
            let Some(moved) = moved else { continue };
            let begun = |change: &Change| matches!(change, Change::InsertSaga { .. });
            match store.commit(&moved.changes).await {
                Ok(()) if moved.changes.iter().any(begun) => self.wake.notify_one(),
                // Whoever moves it looks anew.
                Ok(()) | Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => {
                    store.ping().await?;
                    let payment = moved.payment.facts.id;
                    warn!(%payment, %error, "an account stays due");
                }
            }
        }
        Ok(())
    }

    /// What closes an account that is past its due date, where its gateway is served here.
    fn closing_of(&self, payment: &Payment, order: GatewayOrderId, ctx: &Ctx<'_>) -> Option<Moved> {
        if !payment.is_past_due(ctx.now) {
            return None;
        }
        let gateway = self.parts.gateways.of(payment.facts.account)?;
        let version = gateway.terms().credential_version;
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
