//! Owns the tokens that gateways present in the walk.

use domain::principal::Mode;
use serde_json::Value;

use super::callers::Tenant;
use super::world::{Target, World};

impl World {
    /// A token that lets notifications of the tenant's account in.
    pub(super) async fn token_of(&self, tenant: Tenant) -> Target {
        let (place, mode) = match tenant {
            Tenant::One => (0, Mode::Test),
            Tenant::Live => (0, Mode::Live),
            Tenant::Two => (1, Mode::Test),
            Tenant::Suspended => (3, Mode::Test),
        };
        let merchant = self.rig.members.merchants[place];
        let account = self.rig.account(merchant, mode).await;
        Target {
            id: self.rig.hook_token(account).await,
            approval: Value::Null,
        }
    }
}
