//! Owns the shop's talk with Payflow about cards on file, plans and subscriptions.

use reqwest::{Method, RequestBuilder};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::{Client, Error, READ};
use crate::clock::Timestamp;
use crate::intent::Meaning;

/// What the gateway and the merchant's people read beside an end.
const END_REASON: &str = "구독자 해지 요청";

/// Something to be paid for again and again.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Plan {
    /// What the shop calls it.
    pub(crate) code: String,
    /// What people call it.
    pub(crate) name: String,
    /// What it gives.
    pub(crate) benefits: Option<String>,
    /// MONTHLY, QUARTERLY or YEARLY.
    pub(crate) period: String,
    /// What a period costs, in won.
    pub(crate) amount: i64,
}

/// A card on file.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Card {
    /// Payflow's id of it.
    #[serde(rename = "billingKeyId")]
    pub(crate) id: String,
    /// The gateway's code of who issued it.
    pub(crate) company: Option<String>,
    /// Its last digits.
    pub(crate) last4: Option<String>,
}

/// What the window for a card is opened with.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Registration {
    /// Whose it will be, in a word that means nothing elsewhere.
    pub(crate) customer_key: String,
    /// The card, which there is not yet.
    pub(crate) billing_key: Card,
}

/// What somebody pays for again and again.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Subscription {
    /// Its id.
    #[serde(rename = "subscriptionId")]
    pub(crate) id: String,
    /// Whose it is; always told where it is read.
    pub(crate) member_id: Option<String>,
    /// To which plan.
    pub(crate) plan_code: String,
    /// With which card.
    pub(crate) billing_key_id: String,
    /// `PENDING`, `ACTIVE`, `PAST_DUE`, `CANCEL_SCHEDULED`, `CANCELED` or `EXPIRED`.
    pub(crate) status: String,
}

/// One period of it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cycle {
    /// 1 for the first.
    pub(crate) number: u32,
    /// WAITING, CHARGING, HELD, CLOSING, PAID, REFUNDED, FAILED, SKIPPED or VOID.
    pub(crate) status: String,
    /// When it begins.
    pub(crate) due_at: Timestamp,
    /// What it costs, in won.
    pub(crate) amount: i64,
    /// When the money was taken.
    pub(crate) paid_at: Option<Timestamp>,
}

/// A charge ahead.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Charge {
    /// When.
    pub(crate) due_at: Timestamp,
    /// How much, in won.
    pub(crate) amount: i64,
}

/// What somebody has paid for.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entitlement {
    /// Until then.
    pub(crate) until: Timestamp,
    /// By which subscription.
    pub(crate) subscription_id: String,
}

#[derive(Deserialize)]
struct Plans {
    plans: Vec<Plan>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cards {
    billing_keys: Vec<Card>,
}

#[derive(Deserialize)]
struct Subscriptions {
    subscriptions: Vec<Subscription>,
}

#[derive(Deserialize)]
struct Cycles {
    cycles: Vec<Cycle>,
}

#[derive(Deserialize)]
struct Schedule {
    charges: Vec<Charge>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Entitlements {
    entitlements: Vec<Entitlement>,
    next_cursor: Option<String>,
}

/// What became of something that was asked: how it stands, and the code.
pub(crate) type Told = (Meaning, String);

impl Client {
    /// What can be subscribed to.
    pub(crate) async fn plans(&self) -> Result<Vec<Plan>, Error> {
        Ok(self.get::<Plans>("/plans").await?.plans)
    }

    /// The cards of a member.
    pub(crate) async fn cards(&self, member: &str) -> Result<Vec<Card>, Error> {
        let path = format!("/billing-keys?memberId={member}");
        Ok(self.get::<Cards>(&path).await?.billing_keys)
    }

    /// What a member has subscribed to, newest first.
    pub(crate) async fn subscriptions(&self, member: &str) -> Result<Vec<Subscription>, Error> {
        let path = format!("/subscriptions?memberId={member}");
        Ok(self.get::<Subscriptions>(&path).await?.subscriptions)
    }

    /// One subscription, whosever it is.
    pub(crate) async fn subscription(&self, id: &str) -> Result<Subscription, Error> {
        self.get(&format!("/subscriptions/{id}")).await
    }

    /// What will be charged when, soonest first.
    pub(crate) async fn schedule(&self, id: &str) -> Result<Vec<Charge>, Error> {
        let path = format!("/subscriptions/{id}/schedule");
        Ok(self.get::<Schedule>(&path).await?.charges)
    }

    /// What was due when, newest first.
    pub(crate) async fn cycles(&self, id: &str) -> Result<Vec<Cycle>, Error> {
        let path = format!("/subscriptions/{id}/cycles");
        Ok(self.get::<Cycles>(&path).await?.cycles)
    }

    /// What a member has paid for now: all of it, though a page may be empty before others that
    /// are not.
    pub(crate) async fn entitlements(&self, member: &str) -> Result<Vec<Entitlement>, Error> {
        let (mut all, mut query) = (Vec::new(), String::new());
        loop {
            let path = format!("/entitlements/{member}{query}");
            let page = self.get::<Entitlements>(&path).await?;
            all.extend(page.entitlements);
            let Some(next) = page.next_cursor else {
                return Ok(all);
            };
            query = format!("?cursor={next}");
        }
    }

    /// Begins the registration of a card.
    pub(crate) async fn register_card(&self, member: &str) -> Result<Registration, Error> {
        let request = self.request(Method::POST, "/billing-keys").await?;
        let request = request.json(&json!({ "memberId": member }));
        read(self.send(request).await?.success()?)
    }

    /// Has a card issued with what the window brought back. A repeat is told how it is.
    pub(crate) async fn issue_card(&self, card: &str, keys: (&str, &str)) -> Result<Told, Error> {
        let path = format!("/billing-keys/{card}/issue");
        let request = self.request(Method::POST, &path).await?;
        let (customer_key, auth_key) = keys;
        let body = json!({ "customerKey": customer_key, "authKey": auth_key });
        self.told(request.json(&body)).await
    }

    /// Subscribes a member, once under this key. Pending means that it is made, and perhaps not
    /// paid: the subscription tells.
    pub(crate) async fn subscribe(
        &self,
        key: &str,
        member: &str,
        (plan, card): (&str, &str),
    ) -> Result<Told, Error> {
        let request = self.request(Method::POST, "/subscriptions").await?;
        let body = json!({ "memberId": member, "planCode": plan, "billingKeyId": card });
        self.told(request.header("Idempotency-Key", key).json(&body))
            .await
    }

    /// Has a subscription paid with another card.
    pub(crate) async fn pay_with(&self, id: &str, card: &str) -> Result<Told, Error> {
        let path = format!("/subscriptions/{id}/billing-key");
        let request = self.request(Method::PUT, &path).await?;
        self.told(request.json(&json!({ "billingKeyId": card })))
            .await
    }

    /// Ends a subscription, once under this key; the code where that is not accepted. Where its
    /// refund is pending it has ended.
    pub(crate) async fn end(&self, id: &str, key: &str) -> Result<Option<String>, Error> {
        let path = format!("/subscriptions/{id}/cancel");
        let request = self.request(Method::POST, &path).await?;
        let body = json!({ "reason": END_REASON });
        let request = request.header("Idempotency-Key", key).json(&body);
        let reply = self.send(request).await?;
        let is_accepted = matches!(reply.status, 200 | 202);
        Ok((!is_accepted).then_some(reply.envelope.code))
    }

    async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Error> {
        let request = self.request(Method::GET, path).await?;
        read(self.send(request.timeout(READ)).await?.success()?)
    }

    async fn told(&self, request: RequestBuilder) -> Result<Told, Error> {
        let reply = self.send(request).await?;
        let meaning = match reply.status {
            201 => Meaning::Done,
            status => Meaning::of(status, &reply.envelope.code),
        };
        Ok((meaning, reply.envelope.code))
    }
}

fn read<T: DeserializeOwned>(shown: Value) -> Result<T, Error> {
    serde_json::from_value(shown)
        .map_err(|error| Error::Unavailable(format!("an answer makes no sense: {error}")))
}
