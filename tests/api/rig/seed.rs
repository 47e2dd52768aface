//! Who is there from the start: merchants, their keys and their accounts at the gateway.

use application::Tenancy;
use application::ports::{Clock as _, Ids as _, Store};
use domain::change::Change;
use domain::id::{GatewayAccountId, MerchantId};
use domain::merchant::{GatewayAccount, KeyKind, KeyText, Merchant, Status};
use domain::principal::{Mode, Scope};
use payflow::adapters::clock::Wall;
use payflow::adapters::ids::Drawn;

use crate::support::lines;

/// The merchant's secret key.
pub(crate) const SECRET: &str = "sk_test_one";
/// The same merchant's publishable key.
pub(crate) const PUBLISHABLE: &str = "pk_test_one";
/// The same merchant's secret key for real money.
pub(crate) const LIVE: &str = "sk_live_one";
/// Another merchant's secret key.
pub(crate) const OTHER: &str = "sk_test_two";
/// That merchant's publishable key.
pub(crate) const OTHER_PUBLISHABLE: &str = "pk_test_two";
/// A merchant's without an account at a gateway.
pub(crate) const WITHOUT_GATEWAY: &str = "sk_test_three";
/// A suspended merchant's.
pub(crate) const SUSPENDED: &str = "sk_test_four";

/// The keys of each merchant; one for real money stands for the same merchant's other mode.
const MERCHANTS: [&[&str]; 4] = [
    &[SECRET, PUBLISHABLE, LIVE],
    &[OTHER, OTHER_PUBLISHABLE],
    &[WITHOUT_GATEWAY],
    &[SUSPENDED],
];

/// Makes the merchants; their ids.
pub(super) async fn seed(store: &dyn Store) -> Vec<MerchantId> {
    let (ids, clock) = (Drawn::default(), Wall::default());
    let tenancy = Tenancy {
        store,
        clock: &clock,
        ids: &ids,
        conflicts_max: 5,
    };
    let mut merchants = Vec::new();
    for keys in MERCHANTS {
        let id = MerchantId::new(ids.draw());
        merchants.push(id);
        let (name, currencies) = ("shop".parse().unwrap(), "KRW".parse().unwrap());
        let mut merchant = Merchant::new(id, name, currencies, clock.now());
        if keys.contains(&SUSPENDED) {
            merchant.status = Status::Suspended;
        }
        let mut changes = vec![Change::InsertMerchant(merchant)];
        for key in keys {
            lines::secret(key);
            let scope = scope_of(id, key);
            let kind = if key.starts_with("pk_") {
                KeyKind::Publishable
            } else {
                KeyKind::Secret
            };
            let key = tenancy.key_of(scope, kind, None, KeyText::presented(key));
            changes.push(Change::InsertApiKey(Box::new(key.key)));
        }
        for mode in [Mode::Test, Mode::Live] {
            let scope = Scope { merchant: id, mode };
            if !keys.contains(&WITHOUT_GATEWAY) {
                changes.push(Change::InsertGatewayAccount(GatewayAccount::new(
                    GatewayAccountId::new(ids.draw()),
                    scope,
                    clock.now(),
                )));
            }
        }
        store.commit(&changes).await.unwrap();
    }
    merchants
}

fn scope_of(merchant: MerchantId, key: &str) -> Scope {
    let mode = if key.contains("_live_") {
        Mode::Live
    } else {
        Mode::Test
    };
    Scope { merchant, mode }
}
