//! Owns the account that a deposit goes back to: sealed in the saga that passes it on, gone with
//! its end, and covered by the idempotency key without being told by it.

use domain::id::{MerchantId, SagaId};
use domain::idempotency::Fingerprint;
use domain::saga::{CancelCall, Saga};
use domain::snapshot::Cause;
use domain::vault::Sealed;
use domain::virtual_account::BankCode;
use serde::{Deserialize, Serialize};

use super::sealed::{Unasked, away, text_of, wish_place};
use crate::idempotency::Keyed;
use crate::ports::gateway::RefundAccount;
use crate::ports::vault::{Place, Secret};
use crate::ports::{Vault, store, vault};
use crate::{App, Runner};

/// What is kept of it, until the saga ends.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept {
    bank: String,
    number: String,
    holder: String,
}

impl App {
    /// An account, sealed for the cancellation that will pass it on.
    ///
    /// # Errors
    /// The vault is away.
    pub(crate) async fn sealed_refund(
        &self,
        (merchant, saga): (MerchantId, SagaId),
        to: &RefundAccount,
    ) -> Result<Sealed, store::Error> {
        let kept = Kept {
            bank: to.bank.to_string(),
            number: to.number.expose().to_owned(),
            holder: to.holder.expose().to_owned(),
        };
        let row = saga.to_string();
        let vault = self.parts.post.vault.as_ref();
        let (place, text) = (wish_place(merchant, &row), text_of(&kept));
        vault.seal(place, &text).await.map_err(away)
    }

    /// The key of a request that names an account, with a fingerprint that only the merchant's data
    /// key can make: an account's number is short enough to be found by trying all of them.
    ///
    /// # Errors
    /// The vault is away.
    pub(crate) async fn concealed(
        &self,
        merchant: MerchantId,
        keyed: Keyed,
    ) -> Result<Keyed, store::Error> {
        let place = Place {
            merchant,
            table: "idempotency_keys",
            row: "",
            column: "fingerprint",
        };
        let Fingerprint(open) = keyed.fingerprint;
        let open = open.iter().map(|byte| format!("{byte:02x}"));
        let open = Secret::new(open.collect());
        let vault: &dyn Vault = self.parts.post.vault.as_ref();
        let fingerprint = Fingerprint(vault.index(place, &open).await.map_err(away)?);
        Ok(Keyed {
            fingerprint,
            ..keyed
        })
    }
}

impl Runner {
    /// The account that a deposit goes back to, opened; none where the money goes back the way it
    /// came.
    ///
    /// # Errors
    /// Why the call is not made; it counts as one that was not sent.
    pub(crate) async fn refund_account(
        &self,
        saga: &Saga,
        call: &CancelCall,
    ) -> Result<Option<RefundAccount>, Cause> {
        let Some(sealed) = &call.to else {
            return Ok(None);
        };
        match self.opened_refund(saga, sealed).await {
            Ok(to) => Ok(Some(to)),
            Err(why) => {
                why.tell(
                    self,
                    saga.head.id,
                    "the account that a deposit goes back to",
                );
                Err(Cause::NotSent)
            }
        }
    }

    async fn opened_refund(&self, saga: &Saga, sealed: &Sealed) -> Result<RefundAccount, Unasked> {
        let row = saga.head.id.to_string();
        let place = wish_place(saga.head.scope.merchant, &row);
        let vault: &dyn Vault = self.parts.post.vault.as_ref();
        let opened: Result<Secret, vault::Error> = vault.open(place, sealed).await;
        let text = opened?;
        let wrong = || Unasked::wrong("what is kept is no account");
        let kept: Kept = serde_json::from_str(text.expose()).map_err(|_| wrong())?;
        let bank: BankCode = kept.bank.parse().map_err(|_| wrong())?;
        Ok(RefundAccount {
            bank,
            number: Secret::new(kept.number),
            holder: Secret::new(kept.holder),
        })
    }
}
