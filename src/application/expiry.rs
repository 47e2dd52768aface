//! Owns the end of unpaid payments: READY and past their time becomes EXPIRED.

use std::sync::Arc;

use domain::id::SagaId;
use tokio::time::sleep;
use tracing::{error, warn};

use crate::App;
use crate::crash::crash_point;
use crate::ports::store::{self, CommitError};

impl App {
    /// Expires unpaid payments until the process is to end.
    pub async fn expire_continuously(self: Arc<Self>) {
        while !self.runner.drain.is_cancelled() {
            match self.expire_unpaid().await {
                Ok(rows) if rows >= self.parts.bounds.pass_rows => continue,
                Ok(_) => {}
                Err(error) => warn!(%error, "expiry pass failed"),
            }
            tokio::select! {
                () = sleep(self.parts.timings.expiry_every) => {}
                () = self.runner.drain.cancelled() => {}
            }
        }
    }

    /// One pass; how many payments it expired.
    ///
    /// # Errors
    /// The store is away.
    pub async fn expire_unpaid(&self) -> Result<u32, store::Error> {
        let store = &self.parts.store;
        let limit = self.parts.bounds.pass_rows;
        let mut expired = 0_u32;
        for payment in store
            .payments_to_expire(self.parts.clock.now(), limit)
            .await?
        {
            let trace = self.runner.fresh_trace();
            let ctx = self.runner.ctx(SagaId::new(self.draw()), &trace);
            // It was READY when it was read; whoever moved it since is right.
            let Ok(moved) = payment.expire(&ctx) else {
                continue;
            };
            crash_point!("expiry.before_commit");
            match store.commit(&moved.changes).await {
                Ok(()) => expired = expired.saturating_add(1),
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => {
                    // Where the store answers, it is this payment that it does not take.
                    store.ping().await?;
                    let payment = moved.payment.facts.id;
                    error!(%payment, trace_id = %trace.id(), %error, "payment not expired");
                }
            }
            crash_point!("expiry.after_commit");
        }
        Ok(expired)
    }
}
