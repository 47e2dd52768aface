//! Owns what an operator does to a merchant: suspend it, resume it, choose its currencies.

use domain::change::Change;
use domain::id::MerchantId;
use domain::merchant::{Currencies, Merchant, Status};

use crate::ports::Store;
use crate::ports::store::{self, CommitError};

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
    /// How often a decision is taken again after a conflict.
    pub conflicts_max: u32,
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
                Ok(()) => return Ok(merchant),
                // After a doubtful commit the next round finds that there is nothing to change.
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(TenancyError::Contended)
    }
}
