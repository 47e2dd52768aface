//! Owns what others are told of a stored card: that it can be charged, and that it is gone.

use super::{BillingKey, Status};
use crate::Timestamp;
use crate::change::Change;
use crate::member_event::{CardDeed, Facts, Kind, MemberEvent, Subject};
use crate::principal::Actor;
use crate::trace::Trace;

impl BillingKey {
    /// What others are told of the move that led from `before` to this key: nothing, where the
    /// card is what it was for them.
    #[must_use]
    pub fn told_since(&self, before: &Self, at: Timestamp) -> Option<Change> {
        let (sequence, deed, from) = match (before.status(), self.status()) {
            (Status::Issuing, Status::Active) => (1, CardDeed::Issued, None),
            (Status::Active | Status::Deleting, Status::Deleted) => {
                (2, CardDeed::Deleted, Some(Status::Active.as_str()))
            }
            (
                Status::Registered
                | Status::Issuing
                | Status::Active
                | Status::Deleting
                | Status::Deleted
                | Status::Failed,
                _,
            ) => return None,
        };
        let facts = Facts {
            billing_key_id: Some(self.id),
            ..Facts::default()
        };
        Some(Change::AppendMemberEvent(Box::new(MemberEvent {
            scope: self.scope,
            subject: Subject::BillingKey(self.id),
            sequence,
            kind: Kind::Card(deed),
            from,
            to: self.status().as_str(),
            actor: Actor::Gateway,
            member: self.member.clone(),
            trace: Trace::NONE,
            at,
            payload: facts,
        })))
    }
}
