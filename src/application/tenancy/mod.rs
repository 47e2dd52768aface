//! Owns what is done about merchants: suspended, resumed, given currencies, a zone and API
//! keys.

mod keys;

use domain::change::Change;
use domain::id::MerchantId;
use domain::merchant::{Currencies, Merchant, Status, Zone};
use tracing::info;

use crate::App;
use crate::ports::store::{self, CommitError};
use crate::ports::{Clock, Ids, Store};

pub use keys::{ApiKeyError, LastKey, NewKey, Rotated};

/// Why a merchant was not changed.
#[derive(Debug, thiserror::Error)]
pub enum TenancyError {
    /// There is none with this id.
    #[error("no such merchant")]
    NotFound,
    /// Others were first, again and again.
    #[error("too many conflicts; try again")]
    Contended,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The merchants of this installation.
#[derive(Clone, Copy)]
pub struct Tenancy<'a> {
    /// Where they are kept.
    pub store: &'a dyn Store,
    /// What dates the ends of keys.
    pub clock: &'a dyn Clock,
    /// Where ids and secrets come from.
    pub ids: &'a dyn Ids,
    /// How often a decision is taken again after a conflict.
    pub conflicts_max: u32,
}

impl App {
    /// The merchants of this installation.
    #[must_use]
    pub fn tenancy(&self) -> Tenancy<'_> {
        Tenancy {
            store: self.parts.store.as_ref(),
            clock: self.parts.clock.as_ref(),
            ids: self.parts.ids.as_ref(),
            conflicts_max: self.parts.bounds.conflicts_max,
        }
    }
}

impl Tenancy<'_> {
    /// Lets a merchant do everything, or nothing. Every copy of the service follows within a short
    /// while; what is under way is still finished.
    ///
    /// # Errors
    /// See [`TenancyError`].
    pub async fn set_status(
        &self,
        id: MerchantId,
        status: Status,
    ) -> Result<Merchant, TenancyError> {
        self.change(id, |merchant| merchant.with_status(status))
            .await
    }

    /// Chooses what a merchant's further payments may be in.
    ///
    /// # Errors
    /// See [`TenancyError`].
    pub async fn set_currencies(
        &self,
        id: MerchantId,
        currencies: &Currencies,
    ) -> Result<Merchant, TenancyError> {
        self.change(id, |merchant| merchant.with_currencies(currencies))
            .await
    }

    /// Chooses where a merchant's days begin and end.
    ///
    /// # Errors
    /// See [`TenancyError`].
    pub async fn set_zone(&self, id: MerchantId, zone: Zone) -> Result<Merchant, TenancyError> {
        self.change(id, |merchant| merchant.with_zone(zone)).await
    }

    async fn change(
        &self,
        id: MerchantId,
        changed: impl Fn(&Merchant) -> Option<Merchant>,
    ) -> Result<Merchant, TenancyError> {
        for _ in 0..self.conflicts_max {
            let found = self.store.merchant(id).await?;
            let found = found.ok_or(TenancyError::NotFound)?;
            let Some(merchant) = changed(&found) else {
                return Ok(found);
            };
            let change = Change::UpdateMerchant {
                merchant: merchant.clone(),
                expected: found.version,
            };
            match self.store.commit(&[change]).await {
                Ok(()) => {
                    let (status, currencies) = (merchant.status.as_str(), &merchant.currencies);
                    let zone = merchant.zone;
                    info!(merchant = %id, status, %currencies, %zone, "merchant changed");
                    return Ok(merchant);
                }
                // After a doubtful commit the next round finds that there is nothing to change.
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(TenancyError::Contended)
    }
}
