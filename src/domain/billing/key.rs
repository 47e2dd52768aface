//! Owns the billing key itself: its stages, and every legal move between them.

use super::{Call, Work};
use crate::Timestamp;
use crate::decline::Decline;
use crate::id::{BillingKeyId, GatewayAccountId};
use crate::principal::Scope;
use crate::text::{CustomerKey, MemberId};
use crate::vault::Sealed;

words! {
    /// What the API shows of a billing key.
    Status {
        /// A customer key was handed out for the registration of a card.
        Registered => "REGISTERED",
        /// The gateway is asked to issue it.
        Issuing => "ISSUING",
        /// It can be charged.
        Active => "ACTIVE",
        /// The gateway is asked to delete it; it is charged no more.
        Deleting => "DELETING",
        /// It is gone.
        Deleted => "DELETED",
        /// It was never issued.
        Failed => "FAILED",
    }
}

/// The member that a key belongs to, and whose rows it is among.
pub type Member = (Scope, MemberId);

/// What people recognise a stored card by; nothing that could be paid with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Card {
    /// Card, account …, as the gateway words it.
    pub method: Option<String>,
    /// The gateway's code of who issued it (`toss-api.md §17.3`), or the bank's name.
    pub company: Option<String>,
    /// The last digits that the gateway shows, four at most.
    pub last4: Option<String>,
}

/// A billing key as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// The gateway's key, sealed.
    pub sealed: Sealed,
    /// A keyed hash of it, which finds it without opening it.
    pub index: [u8; 32],
    /// What it is recognised by.
    pub card: Card,
    /// When it was issued.
    pub issued_at: Timestamp,
}

/// What the gateway issued, sealed; to be booked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// What is kept of it.
    pub stored: Stored,
    /// Whether the member has no default yet.
    pub becomes_default: bool,
}

/// Where a key stands. Data exists only in the stages where it means something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stage {
    /// A customer key was handed out.
    Registered,
    /// The gateway is asked to issue it.
    Issuing {
        /// What the member's browser brought, sealed: the repeat needs it.
        auth_key: Sealed,
        /// Where the call stands.
        work: Work,
    },
    /// It can be charged.
    Active {
        /// What is kept of it.
        stored: Stored,
        /// Whether it is what the member pays with where nothing else is said.
        is_default: bool,
    },
    /// The gateway is asked to delete it.
    Deleting {
        /// What is kept of it: the call needs it.
        stored: Stored,
        /// Where the call stands.
        work: Work,
    },
    /// It is gone.
    Deleted {
        /// What it was recognised by.
        card: Card,
    },
    /// It was never issued.
    Failed {
        /// Why.
        declined: Decline,
    },
}

/// A member's stored payment method.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillingKey {
    /// Its id; with the call and `n` it makes the gateway key.
    pub id: BillingKeyId,
    /// Whose.
    pub scope: Scope,
    /// At which gateway account: no other one can charge it.
    pub account: GatewayAccountId,
    /// Which member's.
    pub member: MemberId,
    /// The gateway's name of the member for this key: random, ours.
    pub customer_key: CustomerKey,
    /// Where it stands.
    pub stage: Stage,
    /// Since when.
    pub created_at: Timestamp,
    /// Raised by every update and claim: the fence.
    pub version: i64,
}

/// A move that the key's stage does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a billing key that is {0} does not take it")]
pub struct Illegal(pub Status);

impl BillingKey {
    /// The shown status.
    #[must_use]
    pub const fn status(&self) -> Status {
        match &self.stage {
            Stage::Registered => Status::Registered,
            Stage::Issuing { .. } => Status::Issuing,
            Stage::Active { .. } => Status::Active,
            Stage::Deleting { .. } => Status::Deleting,
            Stage::Deleted { .. } => Status::Deleted,
            Stage::Failed { .. } => Status::Failed,
        }
    }

    /// Whether it is the member's default.
    #[must_use]
    pub const fn is_default(&self) -> bool {
        matches!(
            self.stage,
            Stage::Active {
                is_default: true,
                ..
            }
        )
    }

    /// What is kept of it, while there is something to keep.
    #[must_use]
    pub const fn stored(&self) -> Option<&Stored> {
        match &self.stage {
            Stage::Active { stored, .. } | Stage::Deleting { stored, .. } => Some(stored),
            Stage::Registered
            | Stage::Issuing { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => None,
        }
    }

    /// What it is recognised by, where the gateway ever said.
    #[must_use]
    pub const fn card(&self) -> Option<&Card> {
        match &self.stage {
            Stage::Active { stored, .. } | Stage::Deleting { stored, .. } => Some(&stored.card),
            Stage::Deleted { card } => Some(card),
            Stage::Registered | Stage::Issuing { .. } | Stage::Failed { .. } => None,
        }
    }

    /// The call that is under way, where one is.
    #[must_use]
    pub const fn work(&self) -> Option<(Call, &Work)> {
        match &self.stage {
            Stage::Issuing { work, .. } => Some((Call::Issue, work)),
            Stage::Deleting { work, .. } => Some((Call::Delete, work)),
            Stage::Registered
            | Stage::Active { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => None,
        }
    }

    /// The same key one move later.
    fn moved(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self.version = self.version.saturating_add(1);
        self
    }

    /// The browser came back: the gateway is to be asked.
    ///
    /// # Errors
    /// Something came back before, and this is another one.
    pub fn begin_issue(self, auth_key: Sealed, work: Work) -> Result<Self, Illegal> {
        match &self.stage {
            Stage::Registered => Ok(self.moved(Stage::Issuing { auth_key, work })),
            Stage::Issuing { .. }
            | Stage::Active { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => Err(Illegal(self.status())),
        }
    }

    /// Its call goes on like this.
    ///
    /// # Errors
    /// No call is under way.
    pub fn working(mut self, next: Work) -> Result<Self, Illegal> {
        match &mut self.stage {
            Stage::Issuing { work, .. } | Stage::Deleting { work, .. } => {
                *work = next;
                self.version = self.version.saturating_add(1);
                Ok(self)
            }
            Stage::Registered
            | Stage::Active { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => Err(Illegal(self.status())),
        }
    }

    /// The gateway issued it.
    ///
    /// # Errors
    /// It was not being issued.
    pub fn issued(self, issued: Issued) -> Result<Self, Illegal> {
        match &self.stage {
            Stage::Issuing { .. } => Ok(self.moved(Stage::Active {
                stored: issued.stored,
                is_default: issued.becomes_default,
            })),
            Stage::Registered
            | Stage::Active { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => Err(Illegal(self.status())),
        }
    }

    /// The gateway does not issue it.
    ///
    /// # Errors
    /// It was not being issued.
    pub fn failed(self, declined: Decline) -> Result<Self, Illegal> {
        match &self.stage {
            Stage::Issuing { .. } => Ok(self.moved(Stage::Failed { declined })),
            Stage::Registered
            | Stage::Active { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => Err(Illegal(self.status())),
        }
    }

    /// It becomes the member's default, or is it no more.
    ///
    /// # Errors
    /// It cannot be charged.
    pub fn with_default(self, is_default: bool) -> Result<Self, Illegal> {
        match &self.stage {
            Stage::Active { stored, .. } => {
                let stored = stored.clone();
                Ok(self.moved(Stage::Active { stored, is_default }))
            }
            Stage::Registered
            | Stage::Issuing { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => Err(Illegal(self.status())),
        }
    }

    /// It is charged: whoever decided by an earlier version of it decides again, so that nobody
    /// deletes it meanwhile.
    ///
    /// # Errors
    /// It cannot be charged.
    pub fn charged(self) -> Result<Self, Illegal> {
        let is_default = self.is_default();
        self.with_default(is_default)
    }

    /// It is charged no more, and the gateway is to be asked to delete it.
    ///
    /// # Errors
    /// There is nothing to delete.
    pub fn begin_delete(self, work: Work) -> Result<Self, Illegal> {
        match &self.stage {
            Stage::Active { stored, .. } => {
                let stored = stored.clone();
                Ok(self.moved(Stage::Deleting { stored, work }))
            }
            Stage::Registered
            | Stage::Issuing { .. }
            | Stage::Deleting { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => Err(Illegal(self.status())),
        }
    }

    /// The gateway has it no more.
    ///
    /// # Errors
    /// There was nothing to delete.
    pub fn deleted(self) -> Result<Self, Illegal> {
        match &self.stage {
            Stage::Active { stored, .. } | Stage::Deleting { stored, .. } => {
                let card = stored.card.clone();
                Ok(self.moved(Stage::Deleted { card }))
            }
            Stage::Registered
            | Stage::Issuing { .. }
            | Stage::Deleted { .. }
            | Stage::Failed { .. } => Err(Illegal(self.status())),
        }
    }
}
