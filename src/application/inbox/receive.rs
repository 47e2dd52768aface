//! Owns taking a notification in: it is kept before it is answered, and nothing else is done.

use domain::change::Change;
use domain::id::{GatewayAccountId, InboundId};
use domain::inbox::{self, Headers, Inbound, TokenText, Verdict};
use sha2::{Digest as _, Sha256};
use tracing::warn;

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
        let digest: [u8; 32] = Sha256::digest(&body).into();
        // Looked for first: a flood of the same must not make other people's commits be repeated.
        if self.is_kept(account, &digest).await? {
            return Ok(Brought::Again);
        }
        let told = self.parts.intake.reader.read(&body, &headers);
        let is_unreadable = told.sort == Sort::Unreadable;
        let unreadable = Bucket::Unreadable(account);
        if is_unreadable && self.takes(unreadable, terms.unreadable).await.is_err() {
            return Ok(Brought::Dropped);
        }
        let body = match &told.sort {
            Sort::KeyGone(key) => self.nameless(account, key, &body).await?,
            Sort::Unreadable | Sort::NoOrder | Sort::Hint { .. } | Sort::Signed => body,
        };
        let now = self.parts.post.clock.now();
        let inbound = Inbound {
            id: InboundId::new(self.draw()),
            account,
            digest,
            kind: told.kind,
            headers,
            body,
            received_at: now,
            verdict: if is_unreadable {
                Verdict::Unreadable
            } else {
                Verdict::Waiting
            },
            payment: None,
            due_at: later(now, terms.grace),
            version: 1,
        };
        self.keep(inbound).await
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
        let index = self.index_of_key(account.scope, key).await;
        let index = index.map_err(|error| {
            warn!(account = %account.id, %error, "a notification cannot be kept without its key");
            HookError::InDoubt
        })?;
        Ok(self.parts.intake.reader.renamed(body, &name_of(&index)))
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
