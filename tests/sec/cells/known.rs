//! Owns whose is what there was before the walk.

use payflow::presentation::router::Named;

use super::callers::{A, Tenant};
use super::rules::Whose;
use super::world::World;

impl World {
    /// Remembers whose is what was there before the walk.
    pub(super) fn note_what_there_is(
        &self,
        payment: &str,
        spare: &str,
        [own, own_card]: [&str; 2],
    ) {
        let whose = |tenant, member| Whose { tenant, member };
        let [ready, paid, key, hooks, card, subscription] = &self.suspended;
        for (named, whose, id) in [
            (
                Named::Payment,
                whose(Tenant::Suspended, Some(A)),
                ready.id.as_str(),
            ),
            (
                Named::Payment,
                whose(Tenant::Suspended, Some(A)),
                paid.id.as_str(),
            ),
            (
                Named::ApiKey,
                whose(Tenant::Suspended, None),
                key.id.as_str(),
            ),
            (Named::Payment, whose(Tenant::One, None), payment),
            (Named::ApiKey, whose(Tenant::One, None), spare),
            (
                Named::Endpoint,
                whose(Tenant::Suspended, None),
                hooks.id.as_str(),
            ),
            (Named::Endpoint, whose(Tenant::One, None), own),
            (
                Named::BillingKey,
                whose(Tenant::Suspended, Some(A)),
                card.id.as_str(),
            ),
            (
                Named::Subscription,
                whose(Tenant::Suspended, Some(A)),
                subscription.id.as_str(),
            ),
            (Named::BillingKey, whose(Tenant::One, Some(A)), own_card),
        ] {
            self.note(named, whose, id);
        }
    }
}
