//! Owns the port that counts how often somebody comes.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use domain::id::GatewayAccountId;
use domain::principal::Scope;
use domain::text::MemberId;

/// Who is counted, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Bucket {
    /// The requests of a merchant's servers, in one mode.
    Servers(Scope),
    /// The requests of a merchant's pages, whose key everybody can read.
    Pages(Scope),
    /// The requests of one of a merchant's members.
    Member(Scope, MemberId),
    /// The requests from an address.
    Address(IpAddr),
    /// The credentials from an address that nobody was given.
    Guesses(IpAddr),
    /// The notifications that come in for an account at a gateway.
    Hooks(GatewayAccountId),
    /// Those of them that cannot be read.
    Unreadable(GatewayAccountId),
    /// Those of them that can be read, and from which nothing can follow.
    Idle(GatewayAccountId),
    /// Those that name what only our books can tell to be ours, or not.
    Unsure(GatewayAccountId),
    /// The questions that unverified notifications cost a merchant, in one mode.
    Hints(Scope),
}

/// How much a bucket holds, and how long it takes to fill again from empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What it holds when it is full.
    pub tokens: NonZeroU32,
    /// How long it takes to fill.
    pub per: Duration,
}

/// The bucket is empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no token for another {retry_after:?}")]
pub struct Limited {
    /// When there will be a token.
    pub retry_after: Duration,
}

/// Counts how often somebody comes. Who cannot count lets through: a limit protects from load, and
/// nothing that must not happen depends on it.
#[async_trait]
pub trait RateLimiter: Send + Sync {
    /// Takes a token out of the bucket, if there is one.
    async fn take(&self, bucket: Bucket, rate: Rate) -> Result<(), Limited>;
}
