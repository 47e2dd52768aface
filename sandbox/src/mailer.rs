//! Owns which facts are told to whom: a webhook is decided together with what it tells of.

use std::sync::{Mutex, MutexGuard};

use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::clock::Timestamp;
use crate::config::Config;
use crate::faults::dice;
use crate::ids;
use crate::objects::webhook;
use crate::state::State;
use crate::state::fact::Fact;
use crate::state::hooks::{Delivery, Event, Standing};
use crate::state::payment::Kind;

/// Writes webhooks; the courier carries them.
#[derive(Debug)]
pub(crate) struct Mailer {
    config: Config,
    /// Where payments say their checkout is.
    base: String,
    disturbance: Mutex<Disturbance>,
    /// Somebody has something to carry.
    pub(crate) wake: Notify,
}

/// What goes wrong between the gateway and the merchant: so many of a thousand each.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Disturbance {
    #[serde(default)]
    seed: u64,
    #[serde(default)]
    per_mille: PerMille,
    /// The longest delay.
    #[serde(default)]
    delay_milliseconds: u64,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct PerMille {
    /// It is told twice, under one transmission id.
    #[serde(default)]
    duplicate: u64,
    /// It leaves later, by anything up to the longest delay.
    #[serde(default)]
    delay: u64,
    /// It leaves after the longest delay: what follows within it passes.
    #[serde(default)]
    reorder: u64,
    /// It is never told.
    #[serde(default)]
    lose: u64,
}

/// Something to be told, before it is known to whom.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) event: Event,
    pub(crate) order_id: Option<String>,
    pub(crate) body: String,
}

/// What one delivery suffers.
#[derive(Debug, Clone, Copy)]
struct Fate {
    copies: u32,
    delay: TimeDelta,
    lost: bool,
}

impl Disturbance {
    pub(crate) fn check(&self) -> Result<(), String> {
        let PerMille {
            duplicate,
            delay,
            reorder,
            lose,
        } = &self.per_mille;
        if [duplicate, delay, reorder, lose]
            .iter()
            .any(|one| **one > 1000)
        {
            return Err("each perMille is at most 1000".to_owned());
        }
        Ok(())
    }

    /// The same for the same seed and delivery; each kind throws a die of its own.
    fn fate(&self, sequence: u64) -> Fate {
        let falls = |kind: u64, per_mille: u64| {
            dice(self.seed.wrapping_add(kind), sequence, 1000) < per_mille
        };
        let per_mille = &self.per_mille;
        let drawn = || dice(!self.seed, sequence, self.delay_milliseconds.max(1));
        let milliseconds = match (falls(1, per_mille.reorder), falls(2, per_mille.delay)) {
            (true, _) => self.delay_milliseconds,
            (false, true) => drawn(),
            (false, false) => 0,
        };
        Fate {
            copies: if falls(3, per_mille.duplicate) { 2 } else { 1 },
            delay: TimeDelta::milliseconds(i64::try_from(milliseconds).unwrap_or(i64::MAX)),
            lost: falls(4, per_mille.lose),
        }
    }
}

impl Mailer {
    pub(crate) fn new(config: Config, base: String) -> Self {
        Self {
            config,
            base,
            disturbance: Mutex::default(),
            wake: Notify::new(),
        }
    }

    pub(crate) fn disturbance(&self) -> MutexGuard<'_, Disturbance> {
        self.disturbance
            .lock()
            .expect("nothing panics while the disturbance is locked")
    }

    /// What a fact, which is applied already, makes the gateway tell (`toss-api.md` §9).
    pub(crate) fn letters(&self, told: &Told, state: &State, now: Timestamp) -> Vec<Letter> {
        match told {
            Told::Payment { payment_key } => {
                let payment = state.payment(payment_key);
                let payment = payment.expect("a fact speaks of a payment that exists");
                let letter = |event, body| Letter {
                    event,
                    order_id: Some(payment.order_id.clone()),
                    body,
                };
                let body = webhook::payment(payment, &self.config, &self.base, now);
                let mut letters = vec![letter(Event::PaymentStatusChanged, body)];
                // Whoever asked for both is told of each change twice.
                if payment.virtual_account.is_some() {
                    let body = webhook::deposit(payment, now);
                    letters.push(letter(Event::DepositCallback, body));
                }
                letters
            }
            Told::BillingKey { billing_key } => {
                let key = state.billing.key(billing_key);
                let key = key.expect("a fact speaks of a billing key that exists");
                vec![Letter {
                    event: Event::BillingDeleted,
                    order_id: None,
                    body: webhook::billing_deleted(key, now),
                }]
            }
        }
    }

    /// The deliveries of a letter: one for each address that wants it, or two.
    pub(crate) fn deliveries(&self, letter: &Letter, state: &State, now: Timestamp) -> Vec<Fact> {
        let mut facts = Vec::new();
        let mut sequence = state.hooks.next_delivery();
        for endpoint in state.hooks.endpoints() {
            if !endpoint.events.contains(&letter.event) {
                continue;
            }
            if !state.hooks.has_room() {
                tracing::warn!(
                    url = endpoint.url,
                    "too many webhooks wait: one is left out"
                );
                continue;
            }
            let fate = self.disturbance().fate(sequence);
            let transmission_id = ids::transmission_id(now);
            for _ in 0..fate.copies {
                let delivery = Delivery {
                    sequence,
                    transmission_id: transmission_id.clone(),
                    endpoint: endpoint.id,
                    url: endpoint.url.clone(),
                    event: letter.event,
                    order_id: letter.order_id.clone(),
                    body: letter.body.clone(),
                    at: now,
                    standing: if fate.lost {
                        Standing::Lost
                    } else {
                        Standing::Waiting
                    },
                    due_at: now.checked_add_signed(fate.delay).unwrap_or(now),
                    tries: Vec::new(),
                };
                sequence = sequence.saturating_add(1);
                facts.push(Fact::Notified {
                    delivery: Box::new(delivery),
                });
            }
        }
        facts
    }
}

/// What a fact is about, as far as webhooks care.
#[derive(Debug)]
pub(crate) enum Told {
    Payment { payment_key: String },
    BillingKey { billing_key: String },
}

impl Told {
    /// Nothing for facts that the gateway keeps to itself.
    pub(crate) fn of(fact: &Fact, state: &State) -> Option<Self> {
        let about = |payment_key: &String| {
            let payment_key = payment_key.clone();
            Some(Self::Payment { payment_key })
        };
        match fact {
            Fact::Expired { payment_key } | Fact::Aborted { payment_key, .. } => about(payment_key),
            // A charge that succeeds is told by its answer alone.
            Fact::Captured { entry } => match state.payment(&entry.payment_key)?.kind {
                Kind::Normal => about(&entry.payment_key),
                Kind::Billing => None,
            },
            Fact::AccountIssued { entry, .. }
            | Fact::Deposited { entry, .. }
            | Fact::Reversed { entry }
            | Fact::Canceled { entry, .. } => about(&entry.payment_key),
            Fact::BillingRemoved { billing_key, .. } => {
                let billing_key = billing_key.clone();
                Some(Self::BillingKey { billing_key })
            }
            Fact::ClockMoved { .. }
            | Fact::Created { .. }
            | Fact::Authenticated { .. }
            | Fact::Authorized { .. }
            | Fact::Declined { .. }
            | Fact::DuePassed { .. }
            | Fact::Refunded { .. }
            | Fact::BillingOpened { .. }
            | Fact::BillingAuthenticated { .. }
            | Fact::BillingIssued { .. }
            | Fact::BillingCardChanged { .. }
            | Fact::HookRegistered { .. }
            | Fact::HookRemoved { .. }
            | Fact::Notified { .. }
            | Fact::Tried { .. }
            | Fact::Resent { .. }
            | Fact::Answered { .. } => None,
        }
    }
}
