//! Owns the plans and subscriptions of the walk.

use domain::principal::Mode;
use payflow::presentation::router::{Named, Route};
use reqwest::Method;
use serde_json::{Value, json};

use super::callers::{A, B, Tenant};
use super::rules::Whose;
use super::world::{Target, World, secret};
use crate::rig::{Rig, text};

/// Every merchant offers the plan, in both modes.
pub(super) async fn offer_all(rig: &Rig) {
    for merchant in &rig.members.merchants {
        for mode in [Mode::Test, Mode::Live] {
            rig.offer_at(*merchant, mode).await;
        }
    }
}

/// A subscription of this member of the merchant with this key, who has a card.
pub(super) async fn target(rig: &Rig, (key, member): (&str, &str), other_card: Value) -> Target {
    let told = rig.subscribed_by(key, member).await;
    Target {
        id: text(&told.body["data"]["subscriptionId"]).to_owned(),
        approval: other_card,
    }
}

impl World {
    /// A card of each member who is subscribed.
    pub(super) async fn cards_for_all(&self) {
        for (tenant, member) in [
            (Tenant::One, A),
            (Tenant::One, B),
            (Tenant::Live, A),
            (Tenant::Two, A),
        ] {
            let card = self.rig.card_by(secret(tenant), member).await;
            let member = Some(member);
            self.note(Named::BillingKey, Whose { tenant, member }, &card.id);
        }
    }

    /// A subscription that was paid a moment ago, and another card of its member's where the
    /// route takes one.
    pub(super) async fn subscribed(&self, route: &Route, whose: Whose) -> Target {
        let (rig, key) = (&self.rig, secret(whose.tenant));
        let member = whose.member.unwrap_or(A);
        let target = target(rig, (key, member), Value::Null).await;
        if route.method != Method::PUT {
            return target;
        }
        let other = rig.card_by(key, member).await;
        self.note(Named::BillingKey, whose, &other.id);
        Target {
            approval: json!({ "billingKeyId": other.id }),
            ..target
        }
    }
}
