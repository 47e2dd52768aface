//! Owns an installation whose events leave: with endpoints, and another merchant beside it.

use std::sync::Arc;
use std::time::Duration;

use application::ports::store::Webhooks as _;
use application::webhooks::{Edit, Office, Shown, Terms};
use application::{Caller, Timings};
use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::id::{EndpointId, MerchantId, RawId};
use domain::merchant::{GatewayAccount, Merchant};
use domain::principal::{Actor, Mode, Scope};
use domain::webhook::{Delivery, Endpoint, Note, State};
use tokio::time::sleep;

use super::post::Arrived;
use crate::installation::{Installation, START, order};

pub(super) const SHOP: &str = "https://shop.example/hooks";

/// An installation whose jobs run.
pub(super) struct Stand {
    pub(super) it: Installation,
    orders: std::sync::atomic::AtomicU64,
}

impl Stand {
    pub(super) fn new() -> Self {
        Self::of(Installation::new())
    }

    /// For tests that take days: it looks for work every so often only.
    pub(super) fn patient(dead_after: Duration) -> Self {
        let every = Duration::from_secs(20);
        let timings = Timings {
            job_lease: Duration::from_hours(1),
            feed_poll: every,
            ..Timings::default()
        };
        let terms = Terms {
            poll: every,
            dead_after,
            ..Terms::default()
        };
        Self::of(Installation::with(Some("tgen_test"), timings, terms))
    }

    /// With other terms.
    pub(super) fn of_terms(terms: Terms) -> Self {
        let it = Installation::with(Some("tgen_test"), Timings::default(), terms);
        Self::of(it)
    }

    /// Nobody delivers anything yet.
    pub(super) fn without_courier() -> Self {
        let it = Installation::new();
        it.tasks.spawn(Arc::clone(&it.app).sequence_continuously());
        Self {
            it,
            orders: std::sync::atomic::AtomicU64::new(1),
        }
    }

    pub(super) fn courier_comes(&self) {
        let delivering = Arc::clone(&self.it.app).deliver_continuously();
        self.it.tasks.spawn(delivering);
    }

    fn of(it: Installation) -> Self {
        it.tasks.spawn(Arc::clone(&it.app).sequence_continuously());
        let stand = Self {
            it,
            orders: std::sync::atomic::AtomicU64::new(1),
        };
        stand.courier_comes();
        stand
    }

    pub(super) fn office(&self) -> Office<'_> {
        self.it.app.webhooks()
    }

    pub(super) fn who(&self) -> (Scope, Actor) {
        (self.it.caller.scope, Actor::Merchant)
    }

    /// An endpoint of the merchant's, once its events are read.
    pub(super) async fn endpoint(&self, url: &str, events: &str) -> Shown {
        sleep(Duration::from_secs(1)).await;
        let (url, events) = (url.parse().unwrap(), events.parse().unwrap());
        self.office().add(self.who(), url, events).await.unwrap()
    }

    /// Another merchant, who can prepare payments.
    pub(super) fn another(&self) -> Caller {
        let scope = Scope {
            merchant: MerchantId::new(RawId::from_parts(9, 9)),
            mode: Mode::Test,
        };
        let account = GatewayAccountId::new(RawId::from_parts(9, 9));
        let (name, currencies) = ("other".parse().unwrap(), "KRW".parse().unwrap());
        let merchant = Merchant::new(scope.merchant, name, currencies, START);
        self.it
            .memory
            .commit_now(&[
                Change::InsertMerchant(merchant),
                Change::InsertGatewayAccount(GatewayAccount::new(account, scope, START)),
            ])
            .unwrap();
        Caller {
            scope,
            ..self.it.caller.clone()
        }
    }

    /// Lets something happen to the merchant's payments so many times.
    pub(super) async fn happen(&self, times: u64) {
        self.happen_to(&self.it.caller, times).await;
    }

    pub(super) async fn happen_to(&self, caller: &Caller, times: u64) {
        for _ in 0..times {
            let number = self
                .orders
                .fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            let order = order(&format!("hooks-{number:04}"));
            self.it.app.prepare(caller, &order, None).await.unwrap();
        }
    }

    pub(super) fn arrived(&self, url: &str) -> Vec<Arrived> {
        self.it.receivers.at(url)
    }

    /// The deliveries to an endpoint, by position.
    pub(super) fn deliveries(&self, id: EndpointId) -> Vec<Delivery> {
        let all = self.it.memory.all_deliveries();
        let mut own: Vec<Delivery> = all
            .into_iter()
            .filter(|delivery| delivery.key.endpoint == id)
            .collect();
        own.sort_by_key(|delivery| delivery.position);
        own
    }

    pub(super) fn states(&self, id: EndpointId) -> Vec<State> {
        let own = self.deliveries(id);
        own.iter().map(|delivery| delivery.state).collect()
    }

    pub(super) async fn stored(&self, id: EndpointId) -> Endpoint {
        self.it.memory.endpoint(id).await.unwrap().unwrap()
    }

    /// What was done to an endpoint, oldest first, and by whom.
    pub(super) async fn notes(&self, id: EndpointId) -> Vec<(String, Actor)> {
        let notes: Vec<Note> = self.it.memory.notes(id, 100).await.unwrap();
        let told = notes.iter().rev();
        told.map(|note| (note.deed.to_string(), note.actor))
            .collect()
    }

    pub(super) async fn enable(&self, id: EndpointId, enabled: bool) {
        let edit = Edit {
            enabled: Some(enabled),
            ..Edit::default()
        };
        self.office().change(self.who(), id, &edit).await.unwrap();
    }
}

pub(super) async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}
