//! Owns taking a notification in: it is kept before it is answered, and nothing else is done.

use domain::account::GatewayAccount;
use domain::change::Change;
use domain::id::{GatewayAccountId, InboundId};
use domain::inbox::{self, Headers, Inbound, TokenText, Verdict};
use domain::vault::Sealed;
use sha2::{Digest as _, Sha256};
use tracing::warn;

use super::verify::Signed;
use crate::App;
use crate::access::hash_of_key;
use crate::billing::name_of;
use crate::crash::crash_point;
use crate::idempotency::later;
use crate::ports::Brought;
use crate::ports::inbox::Sort;
use crate::ports::limiter::{Bucket, Limited, Rate};
use crate::ports::store::{self, CommitError};
use crate::ports::vault::Secret;

/// Why a notification is not known to be kept: it has to be sent again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HookError {
    /// Too many come for this account.
    #[error(transparent)]
    Limited(#[from] Limited),
    /// Others were first, again and again, and it is not there either.
    #[error("others were first, again and again")]
    Contended,
    /// The answer of the commit was lost.
    #[error("it is not known whether it is kept")]
    InDoubt,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What a notification is known again by: its bytes, whatever its headers say. One of a signed kind
/// that is not proven has its headers in it, too: it must not keep out the true one.
fn digest_of(signed: &Signed<'_>, is_doubtful: bool) -> [u8; 32] {
    if !is_doubtful {
        return Sha256::digest(signed.body).into();
    }
    let mut hash = Sha256::new();
    for part in [&signed.headers.sent_at, &signed.headers.signature] {
        let part = part.as_deref().unwrap_or_default();
        hash.update(Sha256::digest(part.as_bytes()));
    }
    hash.update(signed.body);
    hash.finalize().into()
}

impl App {
    /// Whose notifications come in with this token; none where it lets nothing in.
    ///
    /// # Errors
    /// The store is away.
    pub async fn hook_account(
        &self,
        token: &TokenText,
    ) -> Result<Option<GatewayAccountId>, store::Error> {
        let inbox = self.parts.store.inbox();
        let known = inbox.token(&hash_of_key(token.expose())).await?;
        let now = self.parts.post.clock.now();
        let usable = known.filter(|token| token.is_usable(now));
        Ok(usable.map(|token| token.account))
    }

    /// Keeps a notification. What is answered `Ok` is durable, was kept before, or is noise of
    /// which enough is kept.
    ///
    /// # Errors
    /// It is not known to be kept.
    pub async fn receive_hook(
        &self,
        account: GatewayAccountId,
        headers: Headers,
        body: Vec<u8>,
    ) -> Result<Brought, HookError> {
        let brought = self.kept(account, headers, body).await;
        let told = brought.as_ref().copied().unwrap_or(Brought::Refused);
        self.parts.tally.brought(told);
        brought
    }

    async fn kept(
        &self,
        account: GatewayAccountId,
        headers: Headers,
        body: Vec<u8>,
    ) -> Result<Brought, HookError> {
        let terms = &self.parts.intake.terms;
        self.takes(Bucket::Hooks(account), terms.hooks).await?;
        let reader = &self.parts.intake.reader;
        let told = reader.read(&body, &headers);
        let now = self.parts.post.clock.now();
        let signed = Signed {
            account,
            headers: &headers,
            body: &body,
            received_at: now,
        };
        let verdict = self.first_verdict(&told.sort, &signed).await?;
        let digest = digest_of(
            &signed,
            told.sort == Sort::Signed && verdict != Verdict::Verified,
        );
        // Looked for first: a flood of the same must not make other people's commits be repeated.
        if self.is_kept(account, &digest).await? {
            return Ok(Brought::Again);
        }
        if !self.has_room(account, &told.sort, verdict).await? {
            return Ok(Brought::Dropped);
        }
        let body = match &told.sort {
            Sort::KeyGone(key) => self.nameless(account, key, &body).await?,
            Sort::Unreadable | Sort::NoOrder | Sort::Hint { .. } | Sort::Signed => body,
        };
        let body = reader.without_account(&body).unwrap_or(body);
        let id = InboundId::new(self.draw());
        let body = self.closed(account, id, &body).await?;
        let inbound = Inbound {
            id,
            account,
            digest,
            kind: told.kind,
            headers,
            body,
            received_at: now,
            verdict,
            payment: None,
            due_at: later(now, terms.grace),
            version: 1,
        };
        self.keep(inbound).await
    }

    /// What it is worth, as far as it can be said without our books.
    async fn first_verdict(
        &self,
        sort: &Sort,
        signed: &Signed<'_>,
    ) -> Result<Verdict, store::Error> {
        match sort {
            Sort::Unreadable => Ok(Verdict::Unreadable),
            Sort::NoOrder => Ok(Verdict::NoOrder),
            Sort::Signed => self.verified(signed).await,
            Sort::Hint { .. } | Sort::KeyGone(_) => Ok(Verdict::Waiting),
        }
    }

    /// Whether one more is kept. Those that say nothing are worth a look by a person at most, and
    /// whoever has a token can make any number of them.
    async fn has_room(
        &self,
        account: GatewayAccountId,
        sort: &Sort,
        verdict: Verdict,
    ) -> Result<bool, HookError> {
        let terms = &self.parts.intake.terms;
        let idle = (Bucket::Idle(account), terms.idle);
        let unsure = (Bucket::Unsure(account), terms.idle);
        let (bucket, rate) = match sort {
            Sort::Unreadable => (Bucket::Unreadable(account), terms.unreadable),
            Sort::NoOrder => idle,
            Sort::Signed if verdict != Verdict::Verified => idle,
            Sort::Signed => return Ok(true),
            Sort::Hint { order, .. } => match order.parse() {
                Ok(_) if self.takes(unsure.0, unsure.1).await.is_ok() => return Ok(true),
                // Too many to be kept unseen: those about orders of ours are, however many come.
                Ok(order) => {
                    let own = self.parts.store.own_orders(account, &[order]).await?;
                    return Ok(!own.is_empty());
                }
                Err(_) => idle,
            },
            Sort::KeyGone(_) if self.takes(unsure.0, unsure.1).await.is_ok() => return Ok(true),
            Sort::KeyGone(key) => return self.is_own_key(account, key).await,
        };
        Ok(self.takes(bucket, rate).await.is_ok())
    }

    async fn is_own_key(&self, account: GatewayAccountId, key: &Secret) -> Result<bool, HookError> {
        let Some(account) = self.parts.store.gateway_account(account).await? else {
            return Ok(false);
        };
        let index = self.indexed(&account, key).await?;
        let found = self.parts.store.billing_key_by_index(account.scope, &index);
        Ok(found.await?.is_some())
    }

    async fn indexed(&self, account: &GatewayAccount, key: &Secret) -> Result<[u8; 32], HookError> {
        let index = self.index_of_key(account.scope, key).await;
        index.map_err(|error| {
            warn!(account = %account.id, %error, "a billing key that is gone has no index now");
            HookError::InDoubt
        })
    }

    /// The notification without the billing key, which is a secret until it is surely gone: the
    /// card is named by the index that it is found by.
    async fn nameless(
        &self,
        account: GatewayAccountId,
        key: &Secret,
        body: &[u8],
    ) -> Result<Vec<u8>, HookError> {
        let Some(account) = self.parts.store.gateway_account(account).await? else {
            return Ok(Vec::new());
        };
        let index = self.indexed(&account, key).await?;
        Ok(self.parts.intake.reader.renamed(body, &name_of(&index)))
    }

    async fn closed(
        &self,
        account: GatewayAccountId,
        id: InboundId,
        body: &[u8],
    ) -> Result<Sealed, HookError> {
        let sealed = self.sealed_body(account, id, body).await;
        sealed.map_err(|error| {
            warn!(%account, %error, "a notification cannot be kept now");
            HookError::InDoubt
        })
    }

    async fn keep(&self, inbound: Inbound) -> Result<Brought, HookError> {
        let (account, digest) = (inbound.account, inbound.digest);
        let change = inbox::Change::Insert(Box::new(inbound));
        let changes = [Change::Inbox(Box::new(change))];
        for _ in 0..self.parts.bounds.conflicts_max {
            crash_point!("hook.before_commit");
            match self.parts.store.commit(&changes).await {
                Ok(()) => {
                    crash_point!("hook.after_commit");
                    return Ok(Brought::Kept);
                }
                // Only what is there proves that it was here before: the database may have chosen
                // us as a victim.
                Err(CommitError::Conflict) => {
                    if self.is_kept(account, &digest).await? {
                        return Ok(Brought::Again);
                    }
                }
                Err(CommitError::InDoubt) => {
                    if self.is_kept(account, &digest).await? {
                        return Ok(Brought::Kept);
                    }
                    warn!(%account, "it is not known whether a notification is kept");
                    return Err(HookError::InDoubt);
                }
                Err(CommitError::Store(error)) => return Err(error.into()),
            }
        }
        Err(HookError::Contended)
    }

    async fn is_kept(
        &self,
        account: GatewayAccountId,
        digest: &[u8; 32],
    ) -> Result<bool, store::Error> {
        let inbox = self.parts.store.inbox();
        let found = inbox.inbound_of(account, digest).await?;
        Ok(found.is_some())
    }

    /// Takes a token out of the bucket, where there is a limit.
    pub(super) async fn takes(&self, bucket: Bucket, rate: Option<Rate>) -> Result<(), Limited> {
        match rate {
            Some(rate) => self.parts.intake.limiter.take(bucket, rate).await,
            None => Ok(()),
        }
    }
}
