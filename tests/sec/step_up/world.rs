//! Owns a service that demands proofs, and what an attack on it looks like.

use application::ports::store::{Challenges as _, Keys as _, Sagas as _};
use domain::idempotency::KeyRef;
use domain::principal::{Mode, Scope};
use reqwest::Method;
use reqwest::header::{HeaderName, HeaderValue};
use serde_json::Value;

use crate::rig::{Answer, DEVICE, PROOF_HEADER, Prepared, Rig, SECRET, answer, approval, of, text};

pub(crate) const ME: &str = "member-1";
/// No saga, no key, an unspent challenge, a payment that only was prepared.
pub(crate) const NONE: Traces = Traces {
    sagas: 0,
    is_reserved: false,
    is_spent: false,
    events: 1,
};

/// What an attempt leaves behind.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Traces {
    sagas: usize,
    is_reserved: bool,
    is_spent: bool,
    events: usize,
}

/// A member's payment, and the challenge that they were asked with.
pub(crate) struct Asked {
    pub(crate) payment: Prepared,
    pub(crate) challenge: String,
}

type Made = Box<dyn Fn(&World, &Asked) -> String + Send + Sync>;

/// What is sent instead of the good request.
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// The code that refuses it.
    code: &'static str,
    headers: Vec<(&'static str, Made)>,
    /// Where to, when not to the approval.
    path: Option<Made>,
}

impl Attack {
    /// This proof on the device of the challenge.
    pub(crate) fn of(name: &'static str, proof: String) -> Self {
        Self::proof(name, move |_, _| proof.clone())
    }

    /// A proof made for the challenge, on its device.
    pub(crate) fn proof(
        name: &'static str,
        made: impl Fn(&World, &Asked) -> String + Send + Sync + 'static,
    ) -> Self {
        let attack = Self {
            name,
            code: "STEP_UP_PROOF_INVALID",
            headers: Vec::new(),
            path: None,
        };
        attack
            .header("device-id", |_, _| DEVICE.to_owned())
            .header("step-up-proof", made)
    }

    /// The good proof with these claims after `change`.
    pub(crate) fn claims(
        name: &'static str,
        change: impl Fn(&World, &mut Value) + Send + Sync + 'static,
    ) -> Self {
        Self::proof(name, move |world, asked| {
            let mut claims = world.claims(asked);
            change(world, &mut claims);
            world.rig.members.signed(PROOF_HEADER, &claims.to_string())
        })
    }

    /// The good proof with this header.
    pub(crate) fn head(name: &'static str, header: &'static str) -> Self {
        Self::proof(name, move |world, asked| {
            let claims = world.claims(asked).to_string();
            world.rig.members.signed(header, &claims)
        })
    }

    /// The good proof among other headers than its own.
    pub(crate) fn sent(name: &'static str, code: &'static str) -> Self {
        Self {
            name,
            code,
            headers: Vec::new(),
            path: None,
        }
    }

    pub(crate) fn header(
        mut self,
        name: &'static str,
        made: impl Fn(&World, &Asked) -> String + Send + Sync + 'static,
    ) -> Self {
        self.headers.push((name, Box::new(made)));
        self
    }

    pub(crate) fn refused(mut self, code: &'static str) -> Self {
        self.code = code;
        self
    }

    pub(crate) fn at(
        mut self,
        path: impl Fn(&World, &Asked) -> String + Send + Sync + 'static,
    ) -> Self {
        self.path = Some(Box::new(path));
        self
    }
}

pub(crate) struct World {
    pub(crate) rig: Rig,
    /// A payment of the same member, and its challenge.
    pub(crate) another: Asked,
    /// The challenge of another member, about a payment of theirs.
    pub(crate) strangers: Asked,
    /// A challenge of the first payment's kind, for taking money back.
    pub(crate) canceling: Asked,
}

impl World {
    pub(crate) async fn new() -> Self {
        let settings = "step_up.demanded_for = [\"approve\", \"cancel\"]\n\
                        step_up.known_device_days = 0\nlimits.failures_per_minute = 0\n";
        let rig = Rig::with(settings).await;
        Self {
            another: asked(&rig, ME, "approve").await,
            strangers: asked(&rig, "member-2", "approve").await,
            canceling: asked(&rig, ME, "cancel").await,
            rig,
        }
    }

    pub(crate) async fn asked(&self) -> Asked {
        asked(&self.rig, ME, "approve").await
    }

    /// The claims of the good proof.
    pub(crate) fn claims(&self, asked: &Asked) -> Value {
        self.rig.members.proof_claims(ME, &asked.challenge)
    }

    pub(crate) async fn send(&self, attack: &Attack, asked: &Asked, key: &str) -> Answer {
        let path = match &attack.path {
            Some(path) => path(self, asked),
            None => format!("/api/v1/payments/{}/approve", asked.payment.id),
        };
        let mut request = self
            .rig
            .by(ME, Method::POST, &path)
            .header("idempotency-key", key);
        for (name, made) in &attack.headers {
            let value = HeaderValue::from_bytes(made(self, asked).as_bytes()).unwrap();
            request = request.header(HeaderName::from_static(name), value);
        }
        answer(request.body(approval(&asked.payment).to_string())).await
    }

    /// Tries an attack, looks for its traces, and lets the good proof pay.
    pub(crate) async fn refuses(&self, attack: &Attack) -> Result<(), String> {
        let asked = self.asked().await;
        let before = self.rig.gateway.confirms();
        let told = self.send(attack, &asked, "attack").await;
        if told.code() != attack.code {
            return Err(format!("{told:?}, not {}", attack.code));
        }
        if self.rig.gateway.confirms() != before {
            return Err("it reached the gateway".to_owned());
        }
        let traces = self.traces_of(&asked, "attack").await;
        if traces != NONE {
            return Err(format!("it left {traces:?}"));
        }
        let proof = self.rig.members.proof(ME, &asked.challenge);
        let good = Attack::of("good", proof);
        let key = format!("good-{}", asked.payment.id);
        let paid = self.send(&good, &asked, &key).await;
        if paid.status != 200 || self.rig.gateway.confirms() != before + 1 {
            return Err(format!("its twin does not pay: {paid:?}"));
        }
        Ok(())
    }

    /// What is stored of a payment, its challenge, and a key of the member's.
    pub(crate) async fn traces_of(&self, asked: &Asked, key: &str) -> Traces {
        let (store, id) = (&self.rig.store, asked.payment.id.parse().unwrap());
        let scope = Scope {
            merchant: self.rig.members.merchants[0],
            mode: Mode::Test,
        };
        let key = KeyRef {
            scope,
            member: ME.to_owned(),
            key: key.parse().unwrap(),
        };
        let (me, challenge) = (ME.parse().unwrap(), asked.challenge.parse().unwrap());
        let challenge = store.challenge(scope, &me, challenge).await.unwrap();
        let path = format!("/api/v1/payments/{}/events", asked.payment.id);
        let events = self.rig.get(&path).await.body["data"]["events"].clone();
        Traces {
            sagas: store.sagas_of(id).await.unwrap().len(),
            is_reserved: store.reservation(&key).await.unwrap().is_some(),
            is_spent: challenge.is_none_or(|challenge| challenge.spent_at.is_some()),
            events: events.as_array().map_or(0, Vec::len),
        }
    }
}

async fn asked(rig: &Rig, member: &str, action: &str) -> Asked {
    let payment = rig.prepared_by(SECRET, of(member)).await;
    let challenge = rig.ask(member, &payment, action, DEVICE).await;
    let challenge = text(&challenge.body["data"]["challenge"]).to_owned();
    Asked { payment, challenge }
}
