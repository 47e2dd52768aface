//! Owns where what is personal of virtual accounts lies sealed, and opening it for who may see it.
//! A value opens in its own row only.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use chrono::TimeDelta;
use domain::id::{MerchantId, PaymentId, SagaId};
use domain::payment::Payment;
use domain::saga::{IssueAccountCall, Saga};
use domain::snapshot::{Answer, Cause};
use domain::text::CustomerName;
use domain::vault::Sealed;
use domain::virtual_account::{BankCode, ShownAccount};
use domain::{Timestamp, saga};
use serde::{Deserialize, Serialize};
use tracing::{debug, error, warn};

use crate::ports::gateway::{AccountWish, CashReceipt, ReceiptKind};
use crate::ports::inbox::DepositSecrets;
use crate::ports::vault::{self, Place, Secret};
use crate::ports::{Store, Vault, store};
use crate::{App, Runner};

/// What is kept of an account that was issued.
#[derive(Serialize, Deserialize)]
struct Details {
    number: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    holder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

/// What is kept of an account that is asked for, until it is issued.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Wished {
    bank: String,
    due_at: Timestamp,
    customer_name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    receipt: Option<(String, String)>,
}

/// An account, opened for its owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Opened {
    pub(crate) number: Secret,
    pub(crate) holder: Option<Secret>,
    pub(crate) secret: Option<Secret>,
}

/// The row of a payment's account. The mode is part of it, so that no value moves between modes.
fn row_of(payment: &Payment) -> String {
    format!("{}/{}", payment.facts.id, payment.facts.scope.mode)
}

fn account_place(merchant: MerchantId, row: &str) -> Place<'_> {
    Place {
        merchant,
        table: "payments",
        row,
        column: "account",
    }
}

pub(super) fn wish_place(merchant: MerchantId, row: &str) -> Place<'_> {
    Place {
        merchant,
        table: "sagas",
        row,
        column: "sealed",
    }
}

pub(super) fn text_of(value: &impl Serialize) -> Secret {
    Secret::new(serde_json::to_string(value).expect("plain fields serialise"))
}

/// A wish, sealed for the saga that will pass it on.
///
/// # Errors
/// The vault is away.
pub(super) async fn sealed_wish(
    vault: &dyn Vault,
    (merchant, saga): (MerchantId, SagaId),
    wish: &AccountWish,
) -> Result<Sealed, vault::Error> {
    let wished = Wished {
        bank: wish.bank.to_string(),
        due_at: wish.due_at,
        customer_name: wish.customer_name.to_string(),
        receipt: wish.receipt.as_ref().map(|receipt| {
            let number = receipt.number.expose().to_owned();
            (receipt.kind.as_str().to_owned(), number)
        }),
    };
    let row = saga.to_string();
    vault
        .seal(wish_place(merchant, &row), &text_of(&wished))
        .await
}

/// A vault that is away is a store that is.
pub(super) fn away(error: vault::Error) -> store::Error {
    if let vault::Error::Store(error) = error {
        return error;
    }
    store::Error::Broken(error.to_string())
}

/// Why an account cannot be asked for.
pub(super) enum Unasked {
    /// The vault or the store is away: later.
    Later(String),
    /// What is kept cannot be read, however often it is tried: a person has to look.
    Wrong(String),
}

/// What never opens is told of so often.
const TOLD_EVERY: TimeDelta = TimeDelta::days(1);

/// When a saga was last told of whose secrets never open, by this process: how often the gateway
/// was asked before says nothing of when they stopped opening.
#[derive(Default)]
pub(crate) struct Told(Mutex<HashMap<SagaId, Timestamp>>);

impl Told {
    /// Whether it is to be told of now: the first time, and then once a day.
    fn is_due(&self, saga: SagaId, now: Timestamp) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of those that are over nothing is kept for longer than that.
        told.retain(|_, at| now.signed_duration_since(*at) < TOLD_EVERY);
        let is_due = !told.contains_key(&saga);
        if is_due {
            told.insert(saga, now);
        }
        is_due
    }
}

impl Unasked {
    /// What cannot be passed on, and why.
    pub(super) fn wrong(why: &str) -> Self {
        Self::Wrong(why.to_owned())
    }

    /// Tells of it. What never opens is told of when that is found first and then once a day: until
    /// a person has dealt with it, the saga is among those that `payflow stuck` lists.
    pub(super) fn tell(&self, runner: &Runner, id: SagaId, what: &'static str) {
        match self {
            Self::Later(why) => warn!(saga = %id, why, what, "not passed on now"),
            Self::Wrong(why) if runner.unopened.is_due(id, runner.now()) => {
                error!(saga = %id, why, what, "cannot be read: a person has to look");
            }
            Self::Wrong(why) => debug!(saga = %id, why, what, "still cannot be read"),
        }
    }
}

impl From<vault::Error> for Unasked {
    fn from(error: vault::Error) -> Self {
        match error {
            vault::Error::Store(_) | vault::Error::Commit(_) => Self::Later(error.to_string()),
            vault::Error::MasterKeyMissing { .. }
            | vault::Error::Wrapping { .. }
            | vault::Error::Tampered { .. }
            | vault::Error::NoDataKey(_)
            | vault::Error::Refused => Self::Wrong(error.to_string()),
        }
    }
}

impl From<store::Error> for Unasked {
    fn from(error: store::Error) -> Self {
        Self::Later(error.to_string())
    }
}

impl Runner {
    /// What an account is asked for with, opened.
    ///
    /// # Errors
    /// Why the call is not made; it counts as one that was not sent.
    pub(crate) async fn wish(
        &self,
        saga: &Saga,
        call: &IssueAccountCall,
    ) -> Result<AccountWish, Cause> {
        self.opened_wish(saga, call).await.map_err(|why| {
            why.tell(self, saga.head.id, "what an account is asked for with");
            Cause::NotSent
        })
    }

    async fn opened_wish(
        &self,
        saga: &Saga,
        call: &IssueAccountCall,
    ) -> Result<AccountWish, Unasked> {
        let sealed = call
            .wish
            .as_ref()
            .ok_or_else(|| Unasked::wrong("nothing is kept"))?;
        let row = saga.head.id.to_string();
        let place = wish_place(saga.head.scope.merchant, &row);
        let text = self.parts.post.vault.open(place, sealed).await?;
        let wished: Wished = serde_json::from_str(text.expose())
            .map_err(|_| Unasked::wrong("what is kept is no wish"))?;
        let payment = self.parts.store.any_payment(saga.head.payment).await?;
        let payment = payment.ok_or_else(|| Unasked::wrong("there is no such payment"))?;
        let wish = || {
            let bank: BankCode = wished.bank.parse().ok()?;
            let customer_name: CustomerName = wished.customer_name.parse().ok()?;
            let receipt = match wished.receipt {
                None => None,
                Some((kind, number)) => Some(CashReceipt {
                    kind: kind.parse::<ReceiptKind>().ok()?,
                    number: Secret::new(number),
                }),
            };
            Some(AccountWish {
                bank,
                due_at: wished.due_at,
                customer_name,
                receipt,
                order_name: payment.facts.order_name,
            })
        };
        wish().ok_or_else(|| Unasked::wrong("what is kept is no wish"))
    }

    /// The answer to a saga that has an account issued, with all of it sealed that is not to lie
    /// open. An account that cannot be sealed now is asked about again.
    pub(crate) async fn kept_close(&self, saga: &Saga, answer: Answer) -> Answer {
        if saga.head.kind() != saga::Kind::AccountIssue {
            return answer;
        }
        let Answer::Found(mut snapshot) = answer else {
            return answer;
        };
        let Some(account) = snapshot.account.as_deref_mut() else {
            return Answer::Found(snapshot);
        };
        let row = format!("{}/{}", saga.head.payment, saga.head.scope.mode);
        let place = account_place(saga.head.scope.merchant, &row);
        let details = text_of(&details_of(account));
        match self.parts.post.vault.seal(place, &details).await {
            Ok(sealed) => {
                account.sealed = Some(sealed);
                Answer::Found(snapshot)
            }
            Err(error) => {
                warn!(%error, "an account that cannot be sealed now");
                Answer::Unknown(Cause::Lost)
            }
        }
    }
}

fn details_of(account: &ShownAccount) -> Details {
    let text = |concealed: &domain::virtual_account::Concealed| concealed.expose().to_owned();
    Details {
        number: text(&account.number),
        holder: account.holder.as_ref().map(text),
        secret: account.secret.as_ref().map(text),
    }
}

/// The secrets of deposits, kept with the payments' accounts.
pub struct KeptSecrets {
    store: Arc<dyn Store>,
    vault: Arc<dyn Vault>,
}

impl KeptSecrets {
    /// As they are in `store`, sealed by `vault`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, vault: Arc<dyn Vault>) -> Self {
        Self { store, vault }
    }
}

#[async_trait]
impl DepositSecrets for KeptSecrets {
    async fn kept(&self, payment: PaymentId) -> Result<Option<Secret>, store::Error> {
        let Some(payment) = self.store.any_payment(payment).await? else {
            return Ok(None);
        };
        match opened(self.vault.as_ref(), &payment).await {
            Ok(account) => Ok(account.and_then(|account| account.secret)),
            Err(vault::Error::Store(error)) => Err(error),
            // Without it the notification proves nothing, and is asked about as all others are.
            Err(error) => {
                warn!(payment = %payment.facts.id, %error, "a secret cannot be read now");
                Ok(None)
            }
        }
    }
}

impl App {
    /// The payment's account, opened.
    pub(crate) async fn opened_account(
        &self,
        payment: &Payment,
    ) -> Result<Option<Opened>, vault::Error> {
        opened(self.parts.post.vault.as_ref(), payment).await
    }
}

async fn opened(vault: &dyn Vault, payment: &Payment) -> Result<Option<Opened>, vault::Error> {
    let Some(account) = &payment.account else {
        return Ok(None);
    };
    let row = row_of(payment);
    let place = account_place(payment.facts.scope.merchant, &row);
    let text = vault.open(place, &account.sealed).await?;
    let details: Details =
        serde_json::from_str(text.expose()).map_err(|_| vault::Error::Refused)?;
    Ok(Some(Opened {
        number: Secret::new(details.number),
        holder: details.holder.map(Secret::new),
        secret: details.secret.map(Secret::new),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::RawId;

    #[test]
    fn what_never_opens_is_told_the_first_time_and_then_once_a_day() {
        let told = Told::default();
        let ids = [1, 2].map(|id| SagaId::new(RawId::from_parts(1, id)));
        let begun = Timestamp::from_timestamp_micros(1_700_000_000_000_000).unwrap();
        let at = |minutes| begun + TimeDelta::minutes(minutes);
        let told_at = |id: SagaId| {
            let minutes = (0..=2_880).step_by(2);
            minutes
                .filter(|m| told.is_due(id, at(*m)))
                .collect::<Vec<_>>()
        };
        assert_eq!(told_at(ids[0]), [0, 1_440, 2_880]);
        assert!(told.is_due(ids[1], at(2_881)), "another one's first time");
        assert!(!told.is_due(ids[1], at(2_882)));
        assert!(told.is_due(ids[0], at(2_880 + 1_440)));
        assert!(told.is_due(ids[0], at(10_000)));
        assert_eq!(told.0.lock().unwrap().len(), 1, "what is over is forgotten");
    }

    #[test]
    fn what_never_opens_is_for_a_person_and_a_store_that_is_away_for_later() {
        let never = [
            vault::Error::Refused,
            vault::Error::Tampered {
                table: "sagas".to_owned(),
                column: "sealed".to_owned(),
            },
        ];
        for error in never {
            assert!(matches!(Unasked::from(error), Unasked::Wrong(_)));
        }
        let away = || store::Error::Unavailable("away".to_owned());
        for error in [
            vault::Error::Store(away()),
            vault::Error::Commit(away().into()),
        ] {
            assert!(matches!(Unasked::from(error), Unasked::Later(_)));
        }
    }
}
