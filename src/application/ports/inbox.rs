//! Owns the ports to what gateways tell unasked: what is kept of it, and who can read it.

use async_trait::async_trait;
use domain::Timestamp;
use domain::change::Hold;
use domain::id::{GatewayAccountId, InboundId, PaymentId};
use domain::inbox::{Claim, Headers, Hint, Inbound, Kind, Number, SecurityKey, Token, Verdict};

use super::store::Error;
use super::vault::Secret;

/// What waits of what gateways told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tray {
    /// Since when the notification waits that waits the longest.
    pub oldest: Option<Timestamp>,
    /// How many payments are to be looked at.
    pub hints: u64,
    /// Since when the first of them is due.
    pub oldest_hint: Option<Timestamp>,
}

/// Notifications, the tokens that let them in, and the hints that remain of them.
#[async_trait]
pub trait Inbox: Send + Sync {
    /// The token with this hash.
    async fn token(&self, hash: &[u8; 32]) -> Result<Option<Token>, Error>;

    /// An account's tokens that have no end, or one after `since`: newest first.
    async fn tokens(
        &self,
        account: GatewayAccountId,
        since: Timestamp,
    ) -> Result<Vec<Token>, Error>;

    /// A notification, by its digest.
    async fn inbound_of(
        &self,
        account: GatewayAccountId,
        digest: &[u8; 32],
    ) -> Result<Option<Inbound>, Error>;

    /// A notification.
    async fn inbound(&self, id: InboundId) -> Result<Option<Inbound>, Error>;

    /// Notifications, newest first, `limit` at most; those with this verdict, where one is given.
    async fn inbounds(&self, verdict: Option<Verdict>, limit: u32) -> Result<Vec<Inbound>, Error>;

    /// Takes notifications that wait, are due (`due_at <= now`), and are held by nobody, or by
    /// somebody whose lease is over by the database's clock: the longest due first, `limit` at
    /// most. Raises their versions and holds them; none is given to two claimers. One that cannot
    /// be read is left out and logged.
    async fn claim_inbounds(
        &self,
        now: Timestamp,
        hold: Hold,
        limit: u32,
    ) -> Result<Vec<Inbound>, Error>;

    /// An account's security keys that have no end, or one after `since`: newest first.
    async fn security_keys(
        &self,
        account: GatewayAccountId,
        since: Timestamp,
    ) -> Result<Vec<SecurityKey>, Error>;

    /// The number of the newest security key that an account ever had.
    async fn last_security_key(&self, account: GatewayAccountId) -> Result<Option<Number>, Error>;

    /// The hint at a payment.
    async fn hint(&self, payment: PaymentId) -> Result<Option<Hint>, Error>;

    /// Takes the hint that has been due the longest (`due_at <= now`) and is held by nobody, or by
    /// somebody whose lease is over by the database's clock; none at these accounts. Raises its
    /// version, notes `now` as its last look, and holds it. No hint is given to two claimers.
    async fn claim_hint(
        &self,
        now: Timestamp,
        hold: Hold,
        except: &[GatewayAccountId],
    ) -> Result<Option<Hint>, Error>;

    /// What waits.
    async fn tray(&self) -> Result<Tray, Error>;

    /// Forgets notifications that came before this and do not wait, and hints that are settled and
    /// were looked at last before it: `limit` of each at most; how many.
    async fn sweep_inbox(&self, before: Timestamp, limit: u32) -> Result<u64, Error>;
}

/// A store with an inbox. Who stands before a store leads to its inbox with this.
pub trait HasInbox: Send + Sync {
    /// The inbox.
    fn inbox(&self) -> &dyn Inbox;
}

/// What a notification says, as far as it can be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What it says it is about.
    pub kind: Kind,
    /// What it is.
    pub sort: Sort,
}

/// What there is to be done about a notification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// Nobody knows what it means.
    #[default]
    Unreadable,
    /// It is about no order that we could look at.
    NoOrder,
    /// It names an order and claims something; nothing vouches for either.
    Hint {
        /// The order that it names; not parsed, anybody may have written it.
        order: String,
        /// What it claims.
        claim: Claim,
        /// What the gateway gave us when it issued the account of a deposit; others do not know it.
        secret: Option<Secret>,
    },
    /// It says that the gateway deleted this billing key. Nothing vouches for it but that the key
    /// is named.
    KeyGone(Secret),
    /// Its kind is signed (`toss-api.md §15.4`), and worth nothing without.
    Signed,
}

/// Who can read what a gateway tells.
pub trait HookReader: Send + Sync {
    /// What these bytes say. They may be anybody's.
    fn read(&self, body: &[u8], headers: &Headers) -> Told;

    /// The same notification with this in place of the billing key that it names: what is kept of
    /// it names the card, and is no key to it.
    fn renamed(&self, body: &[u8], name: &str) -> Vec<u8>;

    /// When it was sent, where one of these keys signed it; the time is signed, too. How long it
    /// takes tells nothing of the right signature.
    fn signed_at(&self, body: &[u8], headers: &Headers, keys: &[Secret]) -> Option<Timestamp>;

    /// The same notification without what is personal of a virtual account and the receipts of its
    /// deposit; none where it tells of no account, and is kept as it came.
    fn without_account(&self, _body: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Where the secrets are kept that the gateway gave with the accounts for deposits.
#[async_trait]
pub trait DepositSecrets: Send + Sync {
    /// What was kept of this payment's; none where none was.
    async fn kept(&self, payment: PaymentId) -> Result<Option<Secret>, Error>;
}

/// Keeps none: notifications of deposits are asked about as all others are.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoneKept;

#[async_trait]
impl DepositSecrets for NoneKept {
    async fn kept(&self, _: PaymentId) -> Result<Option<Secret>, Error> {
        Ok(None)
    }
}
