//! Owns what an operator does about the tokens that let notifications in: making one for an
//! account, replacing it with some time to enter the new one at the gateway, revoking all.

use std::time::Duration;

use domain::Timestamp;
use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::inbox::{self, Token, TokenText};

use crate::access::hash_of_key;
use crate::idempotency::later;
use crate::ports::store::{CommitError, Error};
use crate::ports::{Clock, Ids, Store};

/// A token that was made: its text is told this once.
#[derive(Clone, Debug)]
pub struct Fresh {
    /// The token.
    pub token: Token,
    /// Its text.
    pub text: TokenText,
}

/// Why nothing was done.
#[derive(Clone, Debug, thiserror::Error)]
pub enum TokenError {
    /// There is no such account.
    #[error("there is no gateway account {0}")]
    NoAccount(GatewayAccountId),
    /// The account has one that lasts already.
    #[error("gateway account {0} has a token already: rotate it")]
    Made(GatewayAccountId),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] Error),
    /// The store did not take it.
    #[error(transparent)]
    Commit(#[from] CommitError),
}

/// What an operator does about tokens.
#[derive(Clone, Copy)]
pub struct Tokens<'t> {
    /// Where they are kept.
    pub store: &'t dyn Store,
    /// Where their texts come from.
    pub ids: &'t dyn Ids,
    /// The real time.
    pub clock: &'t dyn Clock,
}

impl Tokens<'_> {
    /// The first one of an account.
    ///
    /// # Errors
    /// There is no such account, it has one that lasts, or the store does not take it.
    pub async fn make(&self, account: GatewayAccountId) -> Result<Fresh, TokenError> {
        let usable = self.usable(account).await?;
        if usable.iter().any(|token| token.expires_at.is_none()) {
            return Err(TokenError::Made(account));
        }
        let fresh = self.fresh(account);
        self.commit(&[inserted(&fresh)]).await?;
        Ok(fresh)
    }

    /// Another one; those before it let notifications in for `grace` more.
    ///
    /// # Errors
    /// There is no such account, or the store does not take it.
    pub async fn rotate(
        &self,
        account: GatewayAccountId,
        grace: Duration,
    ) -> Result<Fresh, TokenError> {
        let end = later(self.clock.now(), grace);
        let fresh = self.fresh(account);
        let mut changes = self.ending(account, end).await?;
        changes.push(inserted(&fresh));
        self.commit(&changes).await?;
        Ok(fresh)
    }

    /// None lets anything in from now on; how many did.
    ///
    /// # Errors
    /// There is no such account, or the store does not take it.
    pub async fn revoke(&self, account: GatewayAccountId) -> Result<usize, TokenError> {
        let changes = self.ending(account, self.clock.now()).await?;
        if !changes.is_empty() {
            self.commit(&changes).await?;
        }
        Ok(changes.len())
    }

    /// Keeps a token whose text somebody has already: that of a sandbox, which is told it at each
    /// start.
    ///
    /// # Errors
    /// The store does not take it.
    pub async fn keep(
        &self,
        account: GatewayAccountId,
        text: &TokenText,
    ) -> Result<(), TokenError> {
        let hash = hash_of_key(text.expose());
        if self.store.inbox().token(&hash).await?.is_some() {
            return Ok(());
        }
        let token = self.token(account, text);
        let change = Change::Inbox(Box::new(inbox::Change::InsertToken(token)));
        match self.store.commit(&[change]).await {
            // Another copy was faster.
            Ok(()) | Err(CommitError::Conflict) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// Those that let something in now, newest first.
    ///
    /// # Errors
    /// There is no such account, or the store is away.
    pub async fn usable(&self, account: GatewayAccountId) -> Result<Vec<Token>, TokenError> {
        let known = self.store.gateway_account(account).await?;
        known.ok_or(TokenError::NoAccount(account))?;
        let now = self.clock.now();
        Ok(self.store.inbox().tokens(account, now).await?)
    }

    async fn ending(
        &self,
        account: GatewayAccountId,
        end: Timestamp,
    ) -> Result<Vec<Change>, TokenError> {
        let usable = self.usable(account).await?.into_iter();
        // One that ends sooner anyway keeps its end.
        let longer = usable.filter(|token| token.expires_at.is_none_or(|at| at > end));
        let change = |token: Token| {
            Change::Inbox(Box::new(inbox::Change::EndToken {
                hash: token.hash,
                expires_at: end,
                expected: token.expires_at,
            }))
        };
        Ok(longer.map(change).collect())
    }

    fn fresh(&self, account: GatewayAccountId) -> Fresh {
        let text = TokenText::new(&self.ids.secret());
        Fresh {
            token: self.token(account, &text),
            text,
        }
    }

    fn token(&self, account: GatewayAccountId, text: &TokenText) -> Token {
        Token {
            hash: hash_of_key(text.expose()),
            account,
            created_at: self.clock.now(),
            expires_at: None,
        }
    }

    async fn commit(&self, changes: &[Change]) -> Result<(), CommitError> {
        self.store.commit(changes).await
    }
}

fn inserted(fresh: &Fresh) -> Change {
    Change::Inbox(Box::new(inbox::Change::InsertToken(fresh.token.clone())))
}
