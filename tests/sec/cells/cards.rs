//! Owns the cards of the walk, and the payments that they pay.

use payflow::presentation::router::{Named, Route};
use serde_json::Value;

use super::callers::A;
use super::rules::Whose;
use super::world::{Target, World, secret};
use crate::rig::Registered;
use crate::rig::cards::issue;

impl Target {
    /// A billing key; its issue would take what the window brought.
    pub(super) fn registered(registered: &Registered) -> Self {
        Self {
            id: registered.id.clone(),
            approval: issue(registered),
        }
    }
}

fn member(whose: Whose) -> &'static str {
    whose.member.unwrap_or(A)
}

impl World {
    /// A card in the state in which its owner's request is taken.
    pub(super) async fn card_for(&self, route: &Route, whose: Whose) -> Target {
        let (rig, key) = (&self.rig, secret(whose.tenant));
        if route.path.ends_with("/issue") {
            return Target::registered(&rig.registered_by(key, member(whose)).await);
        }
        if route.path.ends_with("/default") {
            // The first of a member is it already.
            let first = rig.card_by(key, member(whose)).await;
            self.note(Named::BillingKey, whose, &first.id);
        }
        Target::registered(&rig.card_by(key, member(whose)).await)
    }

    /// A payment that waits for a charge, and a card of its member's.
    pub(super) async fn billed(&self, whose: Whose) -> Target {
        let (rig, key) = (&self.rig, secret(whose.tenant));
        let card = rig.card_by(key, member(whose)).await;
        self.note(Named::BillingKey, whose, &card.id);
        let payment = rig.billed_by(key, member(whose)).await;
        Target {
            id: payment.id,
            approval: Value::Null,
        }
    }
}
