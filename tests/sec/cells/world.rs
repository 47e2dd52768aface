//! Owns the merchants, members and objects of the walk, and how a cell's request is made of them.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use application::ports::store::{
    Access as _, BillingKeys as _, Payments as _, Sagas as _, Subscriptions as _, Switches as _,
    Webhooks as _,
};
use chrono::TimeDelta;
use domain::billing::BillingKey;
use domain::change::GatewayOrder;
use domain::event::PaymentEvent;
use domain::merchant::{ApiKey, Status};
use domain::payment::Payment;
use domain::saga::Saga;
use domain::subscription::Subscription;
use domain::switch::Turn;
use domain::webhook::Endpoint;
use payflow::bootstrap::{Role, Roles};
use payflow::presentation::router::{Named, Route};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::callers::{A, REVOKED, ROTATED, SUSPENDED_PAGE, Shows, Tenant, Twist};
use super::rules::{self, Object, Whose};
use super::subscribed;
use crate::rig::members::LIVE_ISSUER;
use crate::rig::{Answer, LIVE, OTHER, Prepared, Rig, SECRET, SUSPENDED, answer, approval, text};

/// Nobody is refused for coming often, nothing but requests reaches the gateway, and streams end.
const SETTINGS: &str = "[limits]\nmerchant_per_second = 0\naddress_per_second = 0\n\
     failures_per_minute = 0\n[webhooks]\nendpoints_max = 1000\n[timings]\nwatch_every = \"0s\"\n\
     [stream]\nduration_max = \"50ms\"\n";
/// Nobody is there.
pub(super) const HOOKS: &str = "https://shop.invalid/hooks";
pub(super) const KEYS: &str = "/api/v1/api-keys";
pub(super) const PAYMENTS: &str = "/api/v1/payments";
pub(super) const ENDPOINTS: &str = "/api/v1/webhook-endpoints";

pub(super) struct World {
    pub(super) rig: Rig,
    /// Keys by the name that callers have for them.
    issued: HashMap<&'static str, String>,
    /// What the suspended merchant has from before: a payment, a paid one, a key, an
    /// endpoint, a card, a subscription.
    pub(super) suspended: [Target; 6],
    /// Somebody's payment and key, for paths that name none.
    pub(super) payment: Prepared,
    key: String,
    endpoint: String,
    pub(super) billing_key: String,
    made: Mutex<Vec<Made>>,
    pub(super) requests: AtomicU64,
}

/// Something that there is, and whose it is.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) named: Named,
    pub(super) whose: Whose,
    pub(super) id: String,
}

/// What a request is about.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// In the path.
    pub(super) id: String,
    /// What an approval would tell, or the issue of a billing key.
    pub(super) approval: Value,
}

/// Everything that a request could have moved.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct State {
    pub(super) rows: Rows,
    pub(super) commits: u64,
    pub(super) arrivals: u64,
    pub(super) lookups: u64,
}

/// What is stored of what a path names.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rows {
    payment: Option<Payment>,
    orders: Vec<GatewayOrder>,
    events: Vec<PaymentEvent>,
    sagas: Vec<Saga>,
    key: Option<ApiKey>,
    endpoint: Option<Endpoint>,
    billing_key: Option<BillingKey>,
    subscription: Option<Subscription>,
    turns: Vec<Turn>,
}

pub(super) const fn secret(tenant: Tenant) -> &'static str {
    match tenant {
        Tenant::One => SECRET,
        Tenant::Live => LIVE,
        Tenant::Two => OTHER,
        Tenant::Suspended => SUSPENDED,
    }
}

fn customer(member: Option<&str>) -> Value {
    member.map_or_else(
        || json!({}),
        |member| json!({ "customer": { "memberId": member } }),
    )
}

impl Target {
    pub(super) fn payment(payment: &Prepared) -> Self {
        Self {
            id: payment.id.clone(),
            approval: approval(payment),
        }
    }
}

/// A new API key of the merchant with this one: its id, and the key.
async fn issue(rig: &Rig, secret: &str, kind: &str) -> (String, String) {
    let request = rig.anonymous(Method::POST, KEYS).bearer_auth(secret);
    let answer = answer(request.json(&json!({ "kind": kind }))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let data = &answer.body["data"];
    let id = text(&data["apiKey"]["apiKeyId"]);
    (id.to_owned(), text(&data["key"]).to_owned())
}

/// A new webhook endpoint of the merchant with this key.
async fn endpoint(rig: &Rig, secret: &str) -> Target {
    let request = rig.anonymous(Method::POST, ENDPOINTS).bearer_auth(secret);
    let answer = answer(request.json(&json!({ "url": HOOKS }))).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    Target {
        id: text(&answer.body["data"]["endpoint"]["endpointId"]).to_owned(),
        approval: Value::Null,
    }
}

impl World {
    pub(super) async fn new() -> Self {
        // Whatever is written is then a request's doing.
        let before = Rig::doing(&Roles::of(&[Role::Api]), SETTINGS).await;
        let merchant = before.members.merchants[3];
        let tenancy = before.running.app.tenancy();
        tenancy.set_status(merchant, Status::Active).await.unwrap();
        let ready = before.prepared_by(SUSPENDED, customer(Some(A))).await;
        let paid = before.paid_by(SUSPENDED, customer(Some(A))).await;
        let (key, _) = issue(&before, SUSPENDED, "secret").await;
        let (_, page) = issue(&before, SUSPENDED, "publishable").await;
        let hooks = endpoint(&before, SUSPENDED).await;
        let card = Target::registered(&before.card_by(SUSPENDED, A).await);
        subscribed::offer_all(&before).await;
        let other = json!({ "billingKeyId": card.id });
        let subscription = subscribed::target(&before, (SUSPENDED, A), other).await;
        let tenancy = before.running.app.tenancy();
        let stopped = tenancy.set_status(merchant, Status::Suspended).await;
        stopped.unwrap();
        let (id, revoked) = issue(&before, SECRET, "secret").await;
        let path = format!("{KEYS}/{id}");
        let end = answer(before.request(Method::DELETE, &path)).await;
        assert_eq!(end.status, 200, "{end:?}");
        let (id, rotated) = issue(&before, SECRET, "secret").await;
        let path = format!("{KEYS}/{id}/rotate");
        let next = before.post(&path, r#"{"graceSeconds":60}"#).await;
        assert_eq!(next.status, 201, "{next:?}");
        before.clock.move_ahead(TimeDelta::seconds(61));
        // Another copy of the service has not believed anything yet.
        let rig = Rig::beside_doing(&before, &Roles::of(&[Role::Api]), SETTINGS).await;
        before.running.stop().await;
        let payment = rig.prepared().await;
        let (spare, _) = issue(&rig, SECRET, "secret").await;
        let own = endpoint(&rig, SECRET).await;
        let own_card = rig.card_by(SECRET, A).await;
        let key = Target {
            id: key,
            approval: Value::Null,
        };
        let world = Self {
            suspended: [
                Target::payment(&ready),
                Target::payment(&paid),
                key,
                hooks,
                card,
                subscription,
            ],
            issued: [
                (REVOKED, revoked),
                (ROTATED, rotated),
                (SUSPENDED_PAGE, page),
            ]
            .into(),
            made: Mutex::default(),
            requests: AtomicU64::new(0),
            key: spare.clone(),
            endpoint: own.id.clone(),
            billing_key: own_card.id.clone(),
            payment: payment.clone(),
            rig,
        };
        world.note_what_there_is(&payment.id, &spare, [&own.id, &own_card.id]);
        world.cards_for_all().await;
        world
    }

    /// Remembers whose something is.
    pub(super) fn note(&self, named: Named, whose: Whose, id: &str) {
        let id = id.to_owned();
        self.made.lock().unwrap().push(Made { named, whose, id });
    }

    /// Everything that there is.
    pub(super) fn made(&self) -> Vec<Made> {
        self.made.lock().unwrap().clone()
    }

    /// Something new for this route, in the state in which its owner's request is taken.
    pub(super) async fn target(&self, route: &Route, object: Object) -> Target {
        let id = match (object, route.named) {
            (Object::Of(whose), named) => return self.fresh(route, named, whose).await,
            (Object::Unnamed, _) => String::new(),
            (Object::Word, _) => "cancels".to_owned(),
            (Object::Missing, Named::ApiKey) => missing(&self.key),
            (Object::Missing, Named::Endpoint) => missing(&self.endpoint),
            (Object::Missing, Named::BillingKey) => missing(&self.billing_key),
            (Object::Missing, Named::Subscription) => missing(&self.suspended[5].id),
            (Object::Missing, Named::Switch) => "refunds".to_owned(),
            (Object::Missing, Named::HookToken) => format!("hook_{}", "0".repeat(43)),
            (Object::Missing, Named::Payment | Named::Nothing | Named::Member) => {
                missing(&self.payment.id)
            }
            (Object::OtherKind, Named::ApiKey | Named::Endpoint | Named::BillingKey) => {
                self.payment.id.clone()
            }
            (Object::OtherKind, _) => self.key.clone(),
            (Object::Malformed, Named::ApiKey) => "key_nonsense".to_owned(),
            (Object::Malformed, Named::Endpoint) => "whe_nonsense".to_owned(),
            (Object::Malformed, Named::BillingKey) => "bkey_nonsense".to_owned(),
            (Object::Malformed, Named::Subscription) => "sub_nonsense".to_owned(),
            (Object::Malformed, Named::Switch) => "CANCELS".to_owned(),
            (Object::Malformed, Named::HookToken) => "hook_nonsense".to_owned(),
            (Object::Malformed, Named::Payment | Named::Nothing | Named::Member) => {
                "pay_nonsense".to_owned()
            }
        };
        let approval = match route.named {
            Named::BillingKey => json!({ "customerKey": "cus_of_nobody", "authKey": "a" }),
            Named::Subscription => json!({ "billingKeyId": self.billing_key }),
            Named::Nothing
            | Named::Member
            | Named::Payment
            | Named::ApiKey
            | Named::Endpoint
            | Named::Switch
            | Named::HookToken => approval(&self.payment),
        };
        Target { id, approval }
    }

    async fn fresh(&self, route: &Route, named: Named, whose: Whose) -> Target {
        if named == Named::HookToken {
            return self.token_of(whose.tenant).await;
        }
        let is_paid = route.path.ends_with("/cancel");
        if whose.tenant == Tenant::Suspended {
            let [ready, paid, key, hooks, card, subscription] = &self.suspended;
            return match (named, is_paid) {
                (Named::ApiKey, _) => key.clone(),
                (Named::Endpoint, _) => hooks.clone(),
                (Named::BillingKey, _) => card.clone(),
                (Named::Subscription, _) => subscription.clone(),
                (_, true) => paid.clone(),
                (_, false) => ready.clone(),
            };
        }
        let (rig, secret) = (&self.rig, secret(whose.tenant));
        let target = if named == Named::ApiKey {
            let (id, _) = issue(rig, secret, "secret").await;
            Target {
                id,
                approval: Value::Null,
            }
        } else if named == Named::Endpoint {
            endpoint(rig, secret).await
        } else if named == Named::BillingKey {
            self.card_for(route, whose).await
        } else if named == Named::Subscription {
            self.subscribed(route, whose).await
        } else if rules::charges(route) {
            self.billed(whose).await
        } else if rules::deposits(route) {
            let mut fields = customer(whose.member);
            fields["kind"] = json!("VIRTUAL_ACCOUNT");
            Target::payment(&rig.prepared_by(secret, fields).await)
        } else if is_paid {
            Target::payment(&rig.paid_by(secret, customer(whose.member)).await)
        } else {
            Target::payment(&rig.prepared_by(secret, customer(whose.member)).await)
        };
        self.note(named, whose, &target.id);
        target
    }

    /// The same with what the caller shows.
    pub(super) async fn ask(&self, shows: Shows, request: RequestBuilder) -> Answer {
        let request = match shows {
            Shows::Nothing => request,
            Shows::Raw(header) => request.header("authorization", header),
            Shows::Key(key) => request.basic_auth(key, Some("")),
            Shows::Issued(name) => request.bearer_auth(&self.issued[name]),
            Shows::Token(tenant, member, twist) => {
                request.bearer_auth(self.token(tenant, member, twist))
            }
        };
        answer(request).await
    }

    fn token(&self, tenant: Tenant, member: &str, twist: Twist) -> String {
        let members = &self.rig.members;
        let merchant = match tenant {
            Tenant::One | Tenant::Live => members.merchants[0],
            Tenant::Two => members.merchants[1],
            Tenant::Suspended => members.merchants[3],
        };
        let mut claims = vec![("merchant", json!(merchant.to_string()))];
        if tenant == Tenant::Live {
            claims.push(("iss", json!(LIVE_ISSUER)));
        }
        match twist {
            Twist::Straight | Twist::Forged => {}
            Twist::Expired => claims.extend([("iat", json!(0)), ("exp", json!(1_000_000))]),
            Twist::Audience => claims.push(("aud", json!("elsewhere"))),
            Twist::Issuer => claims.push(("iss", json!("https://thief.example"))),
        }
        let token = members.token_with(member, &claims);
        if twist != Twist::Forged {
            return token;
        }
        let (message, _) = token.rsplit_once('.').unwrap();
        let another = members.token("member-2");
        let (_, signature) = another.rsplit_once('.').unwrap();
        format!("{message}.{signature}")
    }

    /// What is stored of what the path names, and what was done to anybody.
    pub(super) async fn state(&self, named: Named, target: &Target) -> State {
        let (store, gateway) = (&self.rig.store, &self.rig.gateway);
        let mut rows = Rows {
            payment: None,
            orders: Vec::new(),
            events: Vec::new(),
            sagas: Vec::new(),
            key: None,
            endpoint: None,
            billing_key: None,
            subscription: None,
            turns: store.turns(1_000).await.unwrap(),
        };
        if let (Named::Payment, Ok(id)) = (named, target.id.parse()) {
            rows.payment = store.any_payment(id).await.unwrap();
            rows.orders = store.gateway_orders(id).await.unwrap();
            rows.events = store.events(id, 0, 1_000).await.unwrap();
            rows.sagas = store.sagas_of(id).await.unwrap();
        }
        if let (Named::ApiKey, Ok(id)) = (named, target.id.parse()) {
            rows.key = store.any_api_key(id).await.unwrap();
        }
        if let (Named::BillingKey, Ok(id)) = (named, target.id.parse()) {
            rows.billing_key = store.any_billing_key(id).await.unwrap();
        }
        if let (Named::Subscription, Ok(id)) = (named, target.id.parse()) {
            rows.subscription = store.any_subscription(id).await.unwrap();
        }
        if let (Named::Endpoint, Ok(id)) = (named, target.id.parse()) {
            let found = store.endpoint(id).await.unwrap();
            // Tries are made meanwhile, and nobody is there.
            rows.endpoint = found.map(|endpoint| Endpoint {
                failing_since: None,
                ..endpoint
            });
        }
        State {
            rows,
            commits: store.commits.load(Ordering::SeqCst),
            arrivals: gateway.arrivals.load(Ordering::SeqCst),
            lookups: gateway.lookups.load(Ordering::SeqCst),
        }
    }
}

/// An id that could be, and is nobody's.
fn missing(id: &str) -> String {
    id.replace(|c: char| c.is_ascii_digit(), "0")
}
