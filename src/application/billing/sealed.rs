//! Owns where the secrets of a billing key lie sealed, and opening them for the one call that needs
//! them. A value opens in its own row of its own member only.

use domain::billing::{BillingKey, Status};
use domain::event::Hash;
use domain::principal::Scope;
use domain::saga::{BILLING_KEY_GONE, ChargeCall, Saga};
use domain::snapshot::Cause;
use domain::text::OrderName;
use tracing::{error, warn};

use crate::ports::gateway::Instrument;
use crate::ports::store;
use crate::ports::vault::{self, Place, Secret};
use crate::{App, Runner};

const TABLE: &str = "billing_keys";
/// Where that lies which the member's browser brought.
pub(super) const AUTH_KEY: &str = "auth_key";
/// Where the gateway's key lies.
pub(super) const BILLING_KEY: &str = "billing_key";

/// Where a secret of a billing key lies.
pub(super) struct Spot {
    merchant: domain::id::MerchantId,
    row: String,
    column: &'static str,
}

impl Spot {
    /// In this column of the key's row. The member is part of the place: a value that was moved to
    /// another member's row does not open, nor does one whose row was given to another member.
    pub(super) fn of(key: &BillingKey, column: &'static str) -> Self {
        Self {
            merchant: key.scope.merchant,
            row: format!("{}/{}/{}", key.id, key.scope.mode, key.member),
            column,
        }
    }

    /// For what finds a key of any row.
    pub(super) const fn index_of(scope: Scope) -> Self {
        Self {
            merchant: scope.merchant,
            row: String::new(),
            column: BILLING_KEY,
        }
    }

    /// What the vault calls it.
    pub(super) fn place(&self) -> Place<'_> {
        Place {
            merchant: self.merchant,
            table: TABLE,
            row: &self.row,
            column: self.column,
        }
    }
}

/// What a name begins with that stands for a billing key: no key of a gateway's is one.
const NAMED: &str = "payflow-index:";

/// What stands for a key where the key itself must not be.
pub(crate) fn name_of(index: &[u8; 32]) -> String {
    format!("{NAMED}{}", Hash(*index))
}

/// The index that this stands for, where it is such a name.
pub(super) fn index_in(name: &Secret) -> Option<[u8; 32]> {
    let digits = name.expose().strip_prefix(NAMED)?;
    let mut index = [0; 32];
    if digits.len() != 64 || !digits.is_ascii() {
        return None;
    }
    for (place, byte) in index.iter_mut().enumerate() {
        let pair = digits.get(place.checked_mul(2)?..)?.get(..2)?;
        *byte = u8::from_str_radix(pair, 16).ok()?;
    }
    Some(index)
}

impl App {
    /// What a key of this tenant and mode is found by.
    pub(crate) async fn index_of_key(
        &self,
        scope: Scope,
        key: &Secret,
    ) -> Result<[u8; 32], vault::Error> {
        let place = Spot::index_of(scope);
        self.parts.post.vault.index(place.place(), key).await
    }
}

/// Why a charge cannot be made with a key.
enum Unusable {
    /// The store or the vault is away: later.
    Later(String),
    /// The key is gone.
    Gone,
    /// The rows contradict each other: a person has to look.
    Wrong(&'static str),
}

impl From<store::Error> for Unusable {
    fn from(error: store::Error) -> Self {
        Self::Later(error.to_string())
    }
}

impl From<vault::Error> for Unusable {
    fn from(error: vault::Error) -> Self {
        Self::Later(error.to_string())
    }
}

impl Runner {
    /// What this charge is made with, opened.
    ///
    /// # Errors
    /// Why the call is not made; it counts as one that was not sent, or was told that the key is
    /// gone.
    pub(crate) async fn instrument(
        &self,
        saga: &Saga,
        call: &ChargeCall,
    ) -> Result<Instrument, Cause> {
        match self.opened(saga, call).await {
            Ok(instrument) => Ok(instrument),
            Err(Unusable::Gone) => Err(Cause::Conflict(BILLING_KEY_GONE.to_owned())),
            Err(Unusable::Later(why)) => {
                warn!(billing_key = %call.billing_key, why, "not charged now");
                Err(Cause::NotSent)
            }
            Err(Unusable::Wrong(why)) => {
                error!(billing_key = %call.billing_key, why, "not charged");
                Err(Cause::NotSent)
            }
        }
    }

    async fn opened(&self, saga: &Saga, call: &ChargeCall) -> Result<Instrument, Unusable> {
        let found = self.parts.store.any_billing_key(call.billing_key).await?;
        let key = found.ok_or(Unusable::Wrong("there is no such key"))?;
        if key.scope != saga.head.scope || key.account != saga.head.account {
            return Err(Unusable::Wrong("it is another merchant's"));
        }
        let stored = match key.status() {
            Status::Active => key.stored().ok_or(Unusable::Gone)?,
            Status::Registered
            | Status::Issuing
            | Status::Deleting
            | Status::Deleted
            | Status::Failed => return Err(Unusable::Gone),
        };
        let billing_key = self.unsealed(&key, stored).await?;
        Ok(Instrument {
            billing_key,
            customer_key: key.customer_key.clone(),
            order_name: self.order_name(saga).await?,
        })
    }

    /// The gateway's key.
    pub(super) async fn unsealed(
        &self,
        key: &BillingKey,
        stored: &domain::billing::Stored,
    ) -> Result<Secret, vault::Error> {
        let spot = Spot::of(key, BILLING_KEY);
        let vault = &self.parts.post.vault;
        vault.open(spot.place(), &stored.sealed).await
    }

    async fn order_name(&self, saga: &Saga) -> Result<OrderName, Unusable> {
        let payment = self.parts.store.any_payment(saga.head.payment).await?;
        let payment = payment.ok_or(Unusable::Wrong("there is no such payment"))?;
        Ok(payment.facts.order_name)
    }
}
