//! A payment, a key, a first request and the one after it.

use std::time::Duration;

use application::ports::gateway::Refused;
use chrono::TimeDelta;
use domain::decline::Class;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use tokio::time::sleep;

use super::Route;
use crate::rig::{Answer, OTHER, Prepared, Rig, SECRET, answer, approval, text};

/// Patience is 800 ms.
const SETTINGS: &str = "[timings]\ndivide_by = 10\n";
/// For those who come while the first request is waited for: on a busy machine, too.
const PATIENT: &str = "[timings]\ndivide_by = 2\n";
/// Stands for a secret that is issued after the first request.
pub(super) const ROTATED: &str = "rotated";
const KEYS_PATH: &str = "/api/v1/idempotency-keys";

/// What the gateway does with the first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Gate {
    Approves,
    Declines,
    Holds,
    /// Refuses to begin, and approves afterwards.
    Busy,
}

/// The second request, by what is different from the first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ask {
    pub(super) secret: &'static str,
    /// `-` is none, and `own`, `theirs` and `late` are issued ones, the first time, too.
    pub(super) key: &'static str,
    pub(super) body: Option<&'static str>,
    pub(super) first_body: Option<&'static str>,
    /// On another route of the API.
    pub(super) elsewhere: bool,
    /// Of another payment.
    pub(super) payment_too: bool,
    /// While the first is waited for.
    pub(super) during: bool,
    /// How much later.
    pub(super) hours: i64,
    /// How many, instead of the two.
    pub(super) at_once: usize,
}

impl Ask {
    pub(super) const SAME: Self = Self {
        secret: SECRET,
        key: "key-1",
        body: None,
        first_body: None,
        elsewhere: false,
        payment_too: false,
        during: false,
        hours: 0,
        at_once: 0,
    };
}

/// What it is answered with.
#[derive(Clone, Copy, Debug)]
pub(super) enum Then {
    /// The first answer again, marked, and nothing happens.
    Replayed,
    /// This status and code, and nothing happens.
    Refused(u16, &'static str),
    /// It is done, once, under this status.
    Fresh(u16),
    /// 409 with the time to come back.
    Running,
    /// 202 with the place to look.
    Pending,
    /// One of them did it; the others were told, or told to come back.
    OneEffect,
}

pub(super) struct Case {
    name: &'static str,
    route: Route,
    gate: Gate,
    ask: Ask,
    then: Then,
}

impl Case {
    pub(super) const fn new(name: &'static str, route: Route, ask: Ask, then: Then) -> Self {
        let gate = Gate::Approves;
        Self {
            name,
            route,
            gate,
            ask,
            then,
        }
    }

    pub(super) const fn at(self, gate: Gate) -> Self {
        Self { gate, ..self }
    }

    pub(super) async fn holds(self) -> Result<(), String> {
        let name = format!("{:?}: {}", self.route, self.name);
        let world = World::new(&self).await;
        let found = world.play(&self).await;
        found.map_err(|why| format!("{name}: {why}"))
    }
}

struct World {
    rig: Rig,
    payment: Prepared,
    other: Prepared,
    order: String,
    key: String,
    rotated: String,
}

impl World {
    async fn new(case: &Case) -> Self {
        let settings = if case.ask.during { PATIENT } else { SETTINGS };
        let rig = Rig::with(settings).await;
        let (payment, other) = match case.route {
            Route::Cancel => (rig.paid().await, rig.paid().await),
            Route::Prepare | Route::Approve => (rig.prepared().await, rig.prepared().await),
        };
        let key = match case.ask.key {
            "own" => issued(&rig, SECRET).await,
            "theirs" => issued(&rig, OTHER).await,
            "late" => {
                let key = issued(&rig, SECRET).await;
                rig.clock.move_ahead(TimeDelta::hours(25));
                key
            }
            _ => "key-1".to_owned(),
        };
        let order = rig.order();
        let rotated = match case.ask.secret {
            ROTATED => rotated(&rig).await,
            _ => String::new(),
        };
        Self {
            rig,
            payment,
            other,
            order,
            key,
            rotated,
        }
    }

    async fn play(&self, case: &Case) -> Result<(), String> {
        if case.ask.at_once > 0 {
            return self.storm(case).await;
        }
        match case.gate {
            Gate::Approves => self.rig.gateway.approve(),
            Gate::Declines => self.rig.gateway.decline(Class::Merchant),
            Gate::Holds => self.rig.gateway.hold(),
            Gate::Busy => self.rig.gateway.refuse(Some(Refused::BulkheadFull)),
        }
        if case.ask.key == "late" || case.ask.key == "theirs" || case.ask.key.starts_with("idk_") {
            let before = self.effects(case.route).await;
            let refused = self.second(case).await;
            let after = self.effects(case.route).await;
            if after != before {
                return Err(format!("{before} effects became {after}: {refused:?}"));
            }
            return self.judge(case, None, &refused);
        }
        let same = Ask {
            body: case.ask.first_body,
            ..Ask::SAME
        };
        let first = self.ask(case.route, &same, &self.key);
        if case.ask.during {
            let (first, second) = tokio::join!(first, async {
                sleep(Duration::from_millis(300)).await;
                self.second(case).await
            });
            return self.judge(case, Some(&first), &second);
        }
        let first = first.await;
        if case.gate == Gate::Busy {
            self.rig.gateway.refuse(None);
        }
        self.rig.clock.move_ahead(TimeDelta::hours(case.ask.hours));
        let before = self.effects(case.route).await;
        let second = self.second(case).await;
        let fresh = matches!(case.then, Then::Fresh(_)) && case.ask.secret == SECRET;
        let after = self.effects(case.route).await;
        if after != before.saturating_add(usize::from(fresh)) {
            return Err(format!("{before} effects became {after}: {second:?}"));
        }
        self.judge(case, Some(&first), &second)
    }

    async fn second(&self, case: &Case) -> Answer {
        let key = match case.ask.key {
            "own" | "theirs" | "late" => self.key.as_str(),
            key => key,
        };
        let route = match case.route {
            route if !case.ask.elsewhere => route,
            Route::Prepare | Route::Cancel => Route::Approve,
            Route::Approve => Route::Cancel,
        };
        self.ask(route, &case.ask, key).await
    }

    fn judge(&self, case: &Case, first: Option<&Answer>, second: &Answer) -> Result<(), String> {
        let marked = second.header("idempotent-replayed") == "true";
        let status = (second.status, second.code());
        let retry_after = second.header("retry-after").parse::<u64>().unwrap_or(0);
        let right = match case.then {
            Then::Replayed => {
                let first = first.ok_or("there was no first answer")?;
                let same = ["code", "message", "data", "errors"]
                    .iter()
                    .all(|member| first.body[member] == second.body[member]);
                let fresh = first.body["traceId"] != second.body["traceId"];
                marked && same && fresh && first.status == second.status && first.status < 500
            }
            Then::Refused(wanted, code) => !marked && status == (wanted, code),
            Then::Fresh(wanted) => !marked && second.status == wanted,
            Then::Running => status == (409, "IDEMPOTENCY_KEY_IN_PROGRESS") && retry_after >= 1,
            Then::Pending => {
                let place = format!("/api/v1/payments/{}", self.payment.id);
                let placed = second.header("location") == place && retry_after >= 1;
                status == (202, "PAYMENT_PENDING") && placed
            }
            Then::OneEffect => false,
        };
        if right {
            Ok(())
        } else {
            Err(format!("first {first:?}\nthen {second:?}"))
        }
    }

    async fn storm(&self, case: &Case) -> Result<(), String> {
        let before = self.effects(case.route).await;
        let mut requests = tokio::task::JoinSet::new();
        for _ in 0..case.ask.at_once {
            requests.spawn(answer(self.request(case.route, &Ask::SAME, &self.key)));
        }
        let answers = requests.join_all().await;
        let first = answers.iter().filter(|answer| {
            answer.status < 300 && answer.header("idempotent-replayed").is_empty()
        });
        let first = first.count();
        let told = answers
            .iter()
            .all(|answer| answer.status < 300 || answer.code() == "IDEMPOTENCY_KEY_IN_PROGRESS");
        let effects = self.effects(case.route).await.saturating_sub(before);
        let again = self.ask(case.route, &Ask::SAME, &self.key).await;
        let replayed = again.header("idempotent-replayed") == "true";
        if (first, effects) == (1, 1) && told && replayed {
            Ok(())
        } else {
            Err(format!("{first} firsts, {effects} effects: {answers:?}"))
        }
    }

    async fn ask(&self, route: Route, ask: &Ask, key: &str) -> Answer {
        answer(self.request(route, ask, key)).await
    }

    fn request(&self, route: Route, ask: &Ask, key: &str) -> RequestBuilder {
        let payment = if ask.payment_too {
            &self.other
        } else {
            &self.payment
        };
        let path = match route {
            Route::Prepare => "/api/v1/payments".to_owned(),
            Route::Approve => format!("/api/v1/payments/{}/approve", payment.id),
            Route::Cancel => format!("/api/v1/payments/{}/cancel", payment.id),
        };
        let request = self
            .rig
            .anonymous(Method::POST, &path)
            .bearer_auth(match ask.secret {
                ROTATED => &self.rotated,
                secret => secret,
            })
            .header("content-type", "application/json")
            .body(self.body(route, payment, ask.body));
        match key {
            "-" => request,
            key => request.header("idempotency-key", key),
        }
    }

    fn body(&self, route: Route, payment: &Prepared, variant: Option<&str>) -> String {
        let mut body = match route {
            Route::Prepare => {
                json!({ "orderId": self.order, "orderName": "생수", "amount": 15000 })
            }
            Route::Approve => approval(payment),
            Route::Cancel => json!({ "reason": "r", "amount": 5000 }),
        };
        match variant {
            Some("other") => body["amount"] = json!(4999),
            Some("invalid") => body["amount"] = json!(-1),
            Some("too much") => body["amount"] = json!(15001),
            Some("spaced") => return format!(" {body}"),
            Some(_) | None => {}
        }
        body.to_string()
    }

    /// What happened for good, as the books or the gateway count it.
    async fn effects(&self, route: Route) -> usize {
        match route {
            Route::Prepare => {
                let listed = self.rig.get("/api/v1/payments").await;
                listed.body["data"]["payments"]
                    .as_array()
                    .map_or(0, Vec::len)
            }
            Route::Approve => usize::try_from(self.rig.gateway.confirms()).unwrap(),
            Route::Cancel => {
                let path = format!("/api/v1/payments/{}", self.payment.id);
                let payment = self.rig.get(&path).await;
                payment.body["data"]["cancels"]
                    .as_array()
                    .map_or(0, Vec::len)
            }
        }
    }
}

async fn issued(rig: &Rig, secret: &str) -> String {
    let request = rig.anonymous(Method::POST, KEYS_PATH).bearer_auth(secret);
    let issued = answer(request).await;
    let key: &Value = &issued.body["data"]["idempotencyKey"];
    text(key).to_owned()
}

async fn rotated(rig: &Rig) -> String {
    let issued = rig.post("/api/v1/api-keys", r#"{"kind":"secret"}"#).await;
    text(&issued.body["data"]["key"]).to_owned()
}
