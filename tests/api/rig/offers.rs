//! Owns how plans are offered and members subscribed over HTTP.

use application::{Plans, WantedPlan};
use domain::calendar::Period;
use domain::id::MerchantId;
use domain::money::{Currency, Money};
use domain::principal::{Mode, Scope};
use domain::subscription::{Dunning, Manner, Missed, PlanKind, Terms};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::{Answer, Rig, SECRET, answer, text};

pub(crate) const SUBSCRIPTIONS: &str = "/api/v1/subscriptions";
/// A plan of 9,900 won a month.
pub(crate) const WATER: &str = "water";

impl Rig {
    /// This merchant offers it in this mode.
    pub(crate) async fn offer_at(&self, merchant: MerchantId, mode: Mode) {
        let krw = |minor| Money::new(minor, Currency::Krw).unwrap();
        let kind = PlanKind::Subscription;
        let wanted = WantedPlan {
            code: WATER.parse().unwrap(),
            terms: Terms::new(kind, Period::Monthly, krw(9_900), krw(0)).unwrap(),
            manner: Manner {
                name: "생수 정기배송".parse().unwrap(),
                benefits: None,
                offered: true,
                missed: Missed::ChargeEach,
                dunning: Dunning::USUAL,
            },
        };
        let plans = Plans {
            store: self.store.as_ref(),
            clock: &self.clock,
            conflicts_max: 5,
        };
        let scope = Scope { merchant, mode };
        plans.load(scope, &[wanted]).await.unwrap();
    }

    /// The first merchant offers it.
    pub(crate) async fn offer(&self) {
        let merchant = self.members.merchants[0];
        self.offer_at(merchant, Mode::Test).await;
    }

    /// The request that subscribes whom the body says.
    pub(crate) fn subscribing(&self, secret: &str, body: &Value, key: &str) -> RequestBuilder {
        let request = self.anonymous(Method::POST, SUBSCRIPTIONS);
        let request = request.bearer_auth(secret).json(body);
        request.header("idempotency-key", key)
    }

    /// Has a member pay for it from now on, with their default card.
    pub(crate) async fn subscribed_by(&self, secret: &str, member: &str) -> Answer {
        let body = json!({ "memberId": member, "planCode": WATER });
        let key = format!("sub-{}", self.order());
        let told = answer(self.subscribing(secret, &body, &key)).await;
        assert_eq!(told.status, 201, "{told:?}");
        told
    }

    /// A member of the first merchant who has a card, and pays for the plan: the subscription.
    pub(crate) async fn subscription(&self, member: &str) -> String {
        self.offer().await;
        self.card(member).await;
        let told = self.subscribed_by(SECRET, member).await;
        text(&told.body["data"]["subscriptionId"]).to_owned()
    }
}
