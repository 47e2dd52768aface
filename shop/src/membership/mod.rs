//! Owns what a visitor subscribes to: the card that is registered for it, and what Payflow says
//! about it since.

use crate::clock::now;
use crate::intent::{Meaning, State};
use crate::payflow::{Card, Charge, Cycle, Entitlement, Plan, Subscription};
use crate::sales::{Error, Shop};

/// How many of a visitor's subscriptions are shown in full.
const SHOWN_MAX: usize = 3;
/// How many registrations are brought on in one pass.
const PASS_MAX: i64 = 4;
/// The longest of the gateway's keys.
const AUTH_KEY_CHARS_MAX: usize = 300;
/// Our own code of a card that would have had a plan charged twice.
pub(crate) const ALREADY_SUBSCRIBED: &str = "ALREADY_SUBSCRIBED";

/// What a card is registered for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A subscription to a plan.
    Subscribe {
        /// Which.
        plan: String,
    },
    /// A subscription that there is, instead of its card.
    Pay {
        /// Which.
        subscription: String,
    },
}

/// A card that somebody registers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Registering {
    /// Payflow's id of the card.
    pub(crate) card: String,
    /// Whose it is.
    pub(crate) owner: String,
    /// What the window was opened with.
    pub(crate) customer_key: String,
    /// What for.
    pub(crate) purpose: Purpose,
    /// What the window brought back.
    pub(crate) auth_key: Option<String>,
    /// How far it is.
    pub(crate) state: State,
    /// Payflow's code, once refused.
    pub(crate) code: Option<String>,
}

/// A subscription with all that its page shows.
#[derive(Debug)]
pub(crate) struct Membership {
    /// It.
    pub(crate) subscription: Subscription,
    /// Its plan, while it is offered.
    pub(crate) plan: Option<Plan>,
    /// Its card.
    pub(crate) card: Option<Card>,
    /// What has been paid for by it, now.
    pub(crate) entitlement: Option<Entitlement>,
    /// What will be charged, soonest first.
    pub(crate) charges: Vec<Charge>,
    /// What was due, newest first.
    pub(crate) cycles: Vec<Cycle>,
}

impl Membership {
    /// Whether it goes on, so that it can be ended and paid with another card.
    pub(crate) fn goes_on(&self) -> bool {
        goes_on(&self.subscription)
    }
}

fn goes_on(subscription: &Subscription) -> bool {
    ["PENDING", "ACTIVE", "PAST_DUE"].contains(&subscription.status.as_str())
}

impl Shop {
    /// Begins to register a card; what the window is opened with, and the card's id.
    pub(crate) async fn register_for(
        &self,
        owner: &str,
        purpose: Purpose,
    ) -> Result<Registering, Error> {
        let begun = self.payflow.register_card(owner).await?;
        let registering = Registering {
            card: begun.billing_key.id,
            owner: owner.to_owned(),
            customer_key: begun.customer_key,
            purpose,
            auth_key: None,
            state: State::Open,
            code: None,
        };
        self.store.register(registering.clone(), now()).await?;
        Ok(registering)
    }

    /// Takes what the window brought back on to what the card is for. The same again, from a
    /// reload, finds it done.
    pub(crate) async fn take_card(
        &self,
        owner: &str,
        card: &str,
        (customer_key, auth_key): (&str, &str),
    ) -> Result<(), Error> {
        let is_plausible = (1..=AUTH_KEY_CHARS_MAX).contains(&auth_key.len())
            && auth_key.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_plausible {
            return Err(Error::NotFound);
        }
        let keys = (customer_key, auth_key);
        let found = self.store.authorised(owner, card, keys).await?;
        self.bring_on(&found.ok_or(Error::NotFound)?).await
    }

    /// Sends what a registration is about, again where there was no answer.
    pub(crate) async fn bring_on(&self, registering: &Registering) -> Result<(), Error> {
        let Some(auth_key) = &registering.auth_key else {
            return Ok(());
        };
        if registering.state != State::Open {
            return Ok(());
        }
        let told = match self.carry_out(registering, auth_key).await {
            Ok(told) => told,
            Err(Error::Payflow(error)) => {
                tracing::warn!(card = registering.card, %error, "no answer; it stays open");
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let end = match told {
            (Meaning::Done, _) => (State::Done, None),
            (Meaning::Refused, code) => (State::Refused, Some(code)),
            (Meaning::Later, _) => return Ok(()),
        };
        tracing::info!(card = registering.card, state = end.0.as_str(), "a card");
        Ok(self.store.registered(&registering.card, end).await?)
    }

    async fn carry_out(
        &self,
        registering: &Registering,
        auth_key: &str,
    ) -> Result<(Meaning, String), Error> {
        let card = registering.card.as_str();
        // Since the window opened, another one may have led to the same.
        if let Purpose::Subscribe { plan } = &registering.purpose
            && self.is_subscribed(registering, plan).await?
        {
            return Ok((Meaning::Refused, ALREADY_SUBSCRIBED.to_owned()));
        }
        let keys = (registering.customer_key.as_str(), auth_key);
        let issued = self.payflow.issue_card(card, keys).await?;
        if issued.0 != Meaning::Done {
            return Ok(issued);
        }
        match &registering.purpose {
            Purpose::Subscribe { plan } => {
                let key = format!("{card}-subscribe");
                let told = self
                    .payflow
                    .subscribe(&key, &registering.owner, (plan, card));
                let (meaning, code) = told.await?;
                // It is made; whether it is paid, it tells itself.
                let is_made = code == "PAYMENT_PENDING";
                Ok(if is_made {
                    (Meaning::Done, code)
                } else {
                    (meaning, code)
                })
            }
            Purpose::Pay { subscription } => Ok(self.payflow.pay_with(subscription, card).await?),
        }
    }

    /// Brings on what nobody may be looking at.
    pub(crate) async fn bring_cards_on(&self) -> Result<(), Error> {
        for registering in self.store.registering(PASS_MAX).await? {
            self.bring_on(&registering).await?;
        }
        Ok(())
    }

    /// A subscription of this visitor's: the secret key reads those of all.
    pub(crate) async fn subscription_of(
        &self,
        owner: &str,
        id: &str,
    ) -> Result<Subscription, Error> {
        let is_id =
            id.starts_with("sub_") && id.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_');
        if !is_id {
            return Err(Error::NotFound);
        }
        match self.payflow.subscription(id).await {
            Ok(found) if found.member_id.as_deref() == Some(owner) => Ok(found),
            Ok(_) | Err(crate::payflow::Error::Refused { .. }) => Err(Error::NotFound),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether somebody pays for this plan already.
    pub(crate) async fn pays_for(&self, owner: &str, plan: &str) -> Result<bool, Error> {
        let all = self.payflow.subscriptions(owner).await?;
        Ok(all.iter().any(|one| one.plan_code == plan && goes_on(one)))
    }

    /// Whether its owner pays for this plan with another card than the one registered here: what
    /// this one subscribed to, and nobody heard of, is told by the repeat.
    async fn is_subscribed(&self, registering: &Registering, plan: &str) -> Result<bool, Error> {
        let all = self.payflow.subscriptions(&registering.owner).await?;
        let mut of_plan = all.iter().filter(|one| one.plan_code == plan);
        Ok(of_plan.any(|one| goes_on(one) && one.billing_key_id != registering.card))
    }

    /// Everything that a visitor has subscribed to, newest first.
    pub(crate) async fn memberships(&self, owner: &str) -> Result<Vec<Membership>, Error> {
        let all = self.payflow.subscriptions(owner).await?;
        if all.is_empty() {
            return Ok(Vec::new());
        }
        let plans = self.payflow.plans().await?;
        let cards = self.payflow.cards(owner).await?;
        let entitlements = self.payflow.entitlements(owner).await?;
        let mut memberships = Vec::new();
        for subscription in all.into_iter().take(SHOWN_MAX) {
            let id = &subscription.id;
            let charges = self.payflow.schedule(id).await?;
            let cycles = self.payflow.cycles(id).await?;
            let plan = plans
                .iter()
                .find(|plan| plan.code == subscription.plan_code);
            let card = cards
                .iter()
                .find(|card| card.id == subscription.billing_key_id);
            let entitlement = entitlements.iter().find(|one| one.subscription_id == *id);
            memberships.push(Membership {
                plan: plan.cloned(),
                card: card.cloned(),
                entitlement: entitlement.cloned(),
                charges,
                cycles,
                subscription,
            });
        }
        Ok(memberships)
    }

    /// Ends a subscription; the code where that is not accepted. The key is the same each time that
    /// it is asked for in this state, so a form that is sent twice ends once.
    pub(crate) async fn end(&self, subscription: &Subscription) -> Result<Option<String>, Error> {
        let key = format!("{}-end", subscription.id);
        Ok(self.payflow.end(&subscription.id, &key).await?)
    }
}

#[cfg(test)]
mod tests;
