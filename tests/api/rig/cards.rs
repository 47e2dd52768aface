//! Owns how cards are registered and payments charged over HTTP.

use application::ports::gateway::{Issued, NewKey};
use application::ports::vault::Secret;
use domain::billing::Card;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Prepared, Rig, SECRET, answer, text};

pub(crate) const BILLING_KEYS: &str = "/api/v1/billing-keys";

/// A registration: the billing key it is to become, and the name of its member at the gateway.
#[derive(Clone, Debug)]
pub(crate) struct Registered {
    pub(crate) id: String,
    pub(crate) customer: String,
}

/// What the gateway makes of a registration.
pub(super) fn made(customer: &str) -> Issued {
    Issued::Key(Box::new(NewKey {
        billing_key: Secret::new(format!("bill_{customer}")),
        customer_key: customer.to_owned(),
        merchant_id: "tsimshop".to_owned(),
        card: Card {
            method: Some("카드".to_owned()),
            company: Some("61".to_owned()),
            last4: Some("1234".to_owned()),
        },
        authenticated_at: None,
    }))
}

impl Rig {
    /// A card that a member of the merchant with this key is about to register.
    pub(crate) async fn registered_by(&self, key: &str, member: &str) -> Registered {
        let request = self.anonymous(Method::POST, BILLING_KEYS).bearer_auth(key);
        let told = answer(request.json(&json!({ "memberId": member }))).await;
        assert_eq!(told.status, 201, "{told:?}");
        let data = &told.body["data"];
        Registered {
            id: text(&data["billingKey"]["billingKeyId"]).to_owned(),
            customer: text(&data["customerKey"]).to_owned(),
        }
    }

    /// The request that has it issued.
    pub(crate) fn issuing(&self, key: &str, registered: &Registered) -> RequestBuilder {
        let path = format!("{BILLING_KEYS}/{}/issue", registered.id);
        let request = self.anonymous(Method::POST, &path).bearer_auth(key);
        request.json(&issue(registered))
    }

    /// A card that can be charged, of a member of the merchant with this key: its id.
    pub(crate) async fn card_by(&self, key: &str, member: &str) -> Registered {
        let registered = self.registered_by(key, member).await;
        let told = answer(self.issuing(key, &registered)).await;
        assert_eq!(told.status, 200, "{told:?}");
        registered
    }

    pub(crate) async fn card(&self, member: &str) -> String {
        self.card_by(SECRET, member).await.id
    }

    /// A payment of 15,000 won that is to be charged.
    pub(crate) async fn billed_by(&self, key: &str, member: &str) -> Prepared {
        let customer = json!({ "memberId": member });
        let fields = json!({ "kind": "BILLING", "customer": customer });
        self.prepared_by(key, fields).await
    }

    pub(crate) async fn charge(&self, payment: &Prepared, body: Value, key: &str) -> Answer {
        let path = format!("/api/v1/payments/{}/charge", payment.id);
        let request = self.posting(&path, body.to_string());
        answer(request.header("idempotency-key", key)).await
    }
}

/// What the redirect of the window brings back.
pub(crate) fn issue(registered: &Registered) -> Value {
    json!({ "customerKey": registered.customer, "authKey": "bln_auth_1" })
}
