//! Owns which gateway serves which account.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use application::ports::{Gateways, PaymentGateway};
use domain::id::GatewayAccountId;

/// The gateways by account; accounts can be added and replaced while sagas run.
#[derive(Default)]
pub struct Registry {
    gateways: RwLock<HashMap<GatewayAccountId, Arc<dyn PaymentGateway>>>,
}

impl Registry {
    /// Lets `gateway` serve `account` from now on; calls under way end at the one before.
    pub fn put(&self, account: GatewayAccountId, gateway: Arc<dyn PaymentGateway>) {
        let mut gateways = self
            .gateways
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        gateways.insert(account, gateway);
    }
}

impl Gateways for Registry {
    fn of(&self, account: GatewayAccountId) -> Option<Arc<dyn PaymentGateway>> {
        let gateways = self.gateways.read().unwrap_or_else(PoisonError::into_inner);
        gateways.get(&account).map(Arc::clone)
    }
}
