//! Owns what a gateway does to the service unasked.

use std::sync::Arc;

use application::inbox::{Tokens, body_of};
use application::ports::Store;
use application::ports::store::Access as _;
use domain::id::{GatewayAccountId, MerchantId};
use domain::inbox::Inbound;
use domain::principal::{Mode, Scope};
use payflow::adapters::clock::Wall;
use payflow::adapters::ids::Drawn;
use reqwest::{Method, RequestBuilder};

use super::Rig;
use crate::support::lines;

impl Rig {
    /// The account of the merchant of this place, in this mode.
    pub(crate) async fn account(&self, merchant: MerchantId, mode: Mode) -> GatewayAccountId {
        let scope = Scope { merchant, mode };
        let accounts = self.store.gateway_accounts(scope).await.unwrap();
        accounts[0].id
    }

    /// A new token that lets notifications of this account in.
    pub(crate) async fn hook_token(&self, account: GatewayAccountId) -> String {
        let (ids, clock) = (Drawn::default(), Wall::default());
        let tokens = Tokens {
            store: self.store.as_ref(),
            ids: &ids,
            clock: &clock,
        };
        let fresh = tokens.rotate(account, std::time::Duration::from_hours(1));
        let text = fresh.await.unwrap().text.expose().to_owned();
        lines::secret(&text);
        text
    }

    /// A token of the first merchant's account for tests.
    pub(crate) async fn own_hook_token(&self) -> String {
        let account = self.account(self.members.merchants[0], Mode::Test).await;
        self.hook_token(account).await
    }

    /// The request of a gateway.
    pub(crate) fn telling(&self, token: &str, body: impl Into<String>) -> RequestBuilder {
        self.anonymous(Method::POST, &format!("/webhooks/toss/{token}"))
            .header("content-type", "application/json")
            .header("tosspayments-webhook-transmission-id", "whtrans_a01")
            .body(body.into())
    }

    /// Everything that was told and kept, newest first.
    pub(crate) async fn told(&self) -> Vec<Inbound> {
        let store: &dyn Store = self.store.as_ref();
        store.inbox().inbounds(None, 1_000).await.unwrap()
    }

    /// The bytes as they came in.
    pub(crate) async fn body_of(&self, inbound: &Inbound) -> Vec<u8> {
        let store: Arc<dyn Store> = self.store.clone();
        let vault = super::vault(Arc::clone(&store));
        body_of(store.as_ref(), vault.as_ref(), inbound)
            .await
            .unwrap()
    }
}
