//! Owns what others are told of a subscription: the same as its log, as an event of the feed.

use super::{Deed, Status, Subscription, Telling};
use crate::Timestamp;
use crate::change::Change;
use crate::member_event::{Facts, Kind, MemberEvent, Subject, shown};
use crate::trace::Trace;

impl Subscription {
    /// What others are told of what was done.
    pub(super) fn told(&self, from: Option<Status>, telling: &Telling, at: Timestamp) -> Change {
        let mut facts = Facts {
            plan_code: Some(self.plan.to_string()),
            cycle: telling.cycle.map(crate::calendar::CycleNumber::get),
            payment_id: telling.payment,
            reason: telling.reason,
            paid_until: self.paid_until.map(shown),
            ..Facts::default()
        };
        if matches!(telling.deed, Deed::Created | Deed::CardChanged) {
            facts.billing_key_id = Some(self.billing_key);
        }
        if let Some(amount) = telling.amount {
            facts.costing(amount);
        }
        if let Some(next) = telling.next {
            facts.followed_by(next);
        }
        Change::AppendMemberEvent(Box::new(MemberEvent {
            scope: self.scope,
            subject: Subject::Subscription(self.id),
            sequence: self.version,
            kind: Kind::Subscription(telling.deed),
            from: from.map(Status::as_str),
            to: telling.to.as_str(),
            actor: telling.actor,
            member: self.member.clone(),
            trace: Trace::NONE,
            at,
            payload: facts,
        }))
    }
}
