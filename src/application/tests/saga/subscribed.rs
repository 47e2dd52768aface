//! Owns the scripts of subscribing and ending: each commit and call struck, the client repeating
//! its key, three schedulers beside it; and one subscription, charged and given back exactly once.

use std::time::Duration;

use application::ActError;
use application::KeyError;
use application::ports::store::Subscriptions as _;
use application::subscriptions::{
    Became, EndRefusal, EndSubscription, Subscribe, SubscriptionAnswer,
};
use domain::billing;
use domain::change::Change;
use domain::id::SubscriptionId;
use domain::subscription::{CancelRefusal, Change as Row, CycleStatus, Deed, Event, Status};
use tokio::time::sleep;

use crate::faults::{Fault, OF_CHARGE, of_calls_and_commits};
use crate::judge::movements;
use crate::members::{card, plan};
use crate::scripts::{all_well, some_well};
use crate::world::{AMOUNT, World, in_virtual_time, keyed};

impl World {
    /// A world where a plan is offered and a member has a card.
    pub(crate) async fn with_an_offer() -> Self {
        let world = Self::new(&[], None).await;
        let insert = billing::Change::Insert(Box::new(card(&world, 0)));
        let changes: [Change; 2] = [
            Row::InsertPlan(Box::new(plan(&world))).into(),
            Change::Billing(Box::new(insert)),
        ];
        world.memory.commit_now(&changes).unwrap();
        world
    }

    /// Repeats the request with the same key until there is a final answer, as a client should.
    pub(crate) async fn subscribe_until_final(&self) -> SubscriptionAnswer {
        let wanted = card(self, 0);
        loop {
            let command = Subscribe {
                member: wanted.member.clone(),
                plan: plan(self).code,
                billing_key: Some(wanted.id),
                first_charge_at: None,
                zone: None,
            };
            let made = self
                .app
                .subscribe(self.caller.clone(), command, keyed("sub"));
            let pause = match made.await {
                Ok(SubscriptionAnswer {
                    became: Became::Pending(_),
                    ..
                }) => Duration::from_secs(20),
                Ok(answered) => return answered,
                Err(ActError::Key(KeyError::Running { retry_after })) => retry_after,
                Err(ActError::Store(_) | ActError::Contended) => Duration::from_secs(1),
                Err(error) => panic!("{error:?}"),
            };
            sleep(pause).await;
        }
    }

    /// The same for its end.
    pub(crate) async fn end_until_final(&self, subscription: SubscriptionId) -> SubscriptionAnswer {
        loop {
            let command = EndSubscription {
                subscription,
                reason: "wanted back".parse().unwrap(),
            };
            let ended = self
                .app
                .end_subscription(self.caller.clone(), command, keyed("end"));
            let pause = match ended.await {
                Ok(SubscriptionAnswer {
                    became: Became::Pending(_),
                    ..
                }) => Duration::from_secs(20),
                Ok(answered) => return answered,
                Err(ActError::Key(KeyError::Running { retry_after })) => retry_after,
                Err(ActError::Store(_) | ActError::Contended) => Duration::from_secs(1),
                Err(ActError::Refused(EndRefusal::Subscription(
                    CancelRefusal::ChargeUnresolved(_),
                ))) => Duration::from_secs(7),
                Err(error) => panic!("{error:?}"),
            };
            sleep(pause).await;
        }
    }

    /// How often its log says that the gateway keeps what it was ended for.
    async fn refusals_of(&self, id: SubscriptionId) -> usize {
        let log = self.memory.subscription_events(id, 0, 99).await.unwrap();
        let kept = |line: &&Event| line.deed == Deed::RefundRefused;
        log.iter().filter(kept).count()
    }

    /// The one subscription that there is.
    fn only_subscription(&self, wrong: &mut Vec<String>) -> Option<SubscriptionId> {
        let cycles = self.memory.all_cycles();
        let mut ids: Vec<_> = cycles.iter().map(|cycle| cycle.key.subscription).collect();
        ids.dedup();
        if ids.len() != 1 {
            wrong.push(format!("{} subscriptions", ids.len()));
        }
        ids.pop()
    }
}

/// Subscribes under these faults; what is wrong in the end.
fn subscribing(faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_an_offer().await;
        world.strike(faults);
        world.schedule();
        world.watch_for(faults);
        let first = world.subscribe_until_final().await;
        world.hours_pass().await;
        let again = world.subscribe_until_final().await;
        let mut wrong = world.astray().await;
        if !world.settle().await {
            wrong.push("a saga is still open".to_owned());
        }
        movements(&world, &mut wrong);
        if (&again.subscription, &again.became) != (&first.subscription, &first.became) {
            wrong.push(format!("told {first:?}, then {again:?}"));
        }
        let id = world.only_subscription(&mut wrong);
        let spoilt = [Fault::WrongAmount, Fault::WrongCurrency, Fault::Elsewhere];
        if let Some(id) = id.filter(|_| !faults.iter().any(|fault| spoilt.contains(fault))) {
            let found = world.memory.any_subscription(id).await.unwrap().unwrap();
            if found.status != Status::Active {
                wrong.push(format!(
                    "nothing forbids the charge, and it is {}",
                    found.status
                ));
            }
        }
        wrong
    })
}

/// Ends a subscription that was paid a moment ago under these faults; what is wrong in the end.
fn ending(faults: &[Fault]) -> Vec<String> {
    in_virtual_time(async {
        let world = World::with_an_offer().await;
        world.schedule();
        let made = world.subscribe_until_final().await;
        let id = made.subscription.subscription_id.parse().unwrap();
        sleep(Duration::from_mins(1)).await;
        world.strike(faults);
        let first = world.end_until_final(id).await;
        let again = world.end_until_final(id).await;
        let mut wrong = Vec::new();
        if !world.settle().await {
            wrong.push("a saga is still open".to_owned());
        }
        movements(&world, &mut wrong);
        if (&again.subscription, &again.became) != (&first.subscription, &first.became) {
            wrong.push(format!("told {first:?}, then {again:?}"));
        }
        world.only_subscription(&mut wrong);
        let found = world.memory.any_subscription(id).await.unwrap().unwrap();
        if found.status != Status::Canceled || found.entitlement(found.created_at).is_some() {
            wrong.push(format!("it is {}", found.status));
        }
        let newest = world.memory.cycles(id, None, 2).await.unwrap();
        let left = match first.became {
            Became::NotGivenBack(..) => (CycleStatus::Paid, AMOUNT),
            Became::Nothing | Became::Settled(_) | Became::Pending(_) => (CycleStatus::Refunded, 0),
        };
        let refusals = world.refusals_of(id).await;
        if refusals != usize::from(left.0 == CycleStatus::Paid) {
            wrong.push(format!("{refusals} lines tell that it is kept"));
        }
        if left.0 == CycleStatus::Paid && !faults.iter().any(|fault| may_refuse(*fault)) {
            wrong.push("nothing forbids the refund, and it is not made".to_owned());
        }
        let found = (newest[1].state.status(), world.held());
        if found != left || newest[0].state.status() != CycleStatus::Void {
            wrong.push(format!(
                "{found:?} instead of {left:?}, then {:?}",
                newest[0].state
            ));
        }
        wrong
    })
}

/// Whether a cancellation can end without its money by this.
fn may_refuse(fault: Fault) -> bool {
    [Fault::Decline, Fault::Temporary, Fault::UnknownCode].contains(&fault)
}

/// What the gateway moves is another sum then, which the scripts of cancellations judge.
fn of_ending() -> Vec<Fault> {
    let all = of_calls_and_commits().iter().copied();
    let all = all.filter(|fault| *fault != Fault::WrongAmount);
    all.collect()
}

#[test]
fn what_the_gateway_keeps_is_told_of() {
    assert_eq!(ending(&[Fault::Decline]), Vec::<String>::new());
    in_virtual_time(async {
        let world = World::with_an_offer().await;
        let made = world.subscribe_until_final().await;
        let id = made.subscription.subscription_id.parse().unwrap();
        world.strike(&[Fault::Decline]);
        let ended = world.end_until_final(id).await;
        assert!(matches!(ended.became, Became::NotGivenBack(..)));
        assert_eq!(world.refusals_of(id).await, 1);
    });
}

#[test]
fn one_whose_gateway_gives_nothing_back_is_not_ended_with_a_refund() {
    in_virtual_time(async {
        let world = World::with_an_offer().await;
        let made = world.subscribe_until_final().await;
        let id = made.subscription.subscription_id.parse().unwrap();
        world.gateway.books.lock().unwrap().mute = true;
        let command = EndSubscription {
            subscription: id,
            reason: "wanted back".parse().unwrap(),
        };
        let end = world
            .app
            .end_subscription(world.caller.clone(), command, keyed("end"));
        assert!(matches!(end.await, Err(ActError::CannotGiveBack)));
        let found = world.memory.any_subscription(id).await.unwrap().unwrap();
        assert_eq!(found.status, Status::Active, "nothing was written");
    });
}

#[test]
fn a_key_subscribes_once() {
    assert_eq!(subscribing(&[]), Vec::<String>::new());
    for fault in OF_CHARGE {
        let used = in_virtual_time(async {
            let world = World::with_an_offer().await;
            world.strike(&fault.with_a_reason());
            world.schedule();
            world.subscribe_until_final().await;
            world.hours_pass().await;
            world.is_used_up()
        });
        assert!(used, "{fault:?} never struck");
    }
}

#[test]
fn subscribing_with_one_fault() {
    all_well(&OF_CHARGE, 1, subscribing);
}

/// Of 529 one in nine; `scripts/prove` runs them all. The quick run leaves tests named so out.
#[test]
fn exhaustive_subscribing_with_two_faults() {
    some_well(&OF_CHARGE, 2, subscribing);
}

#[test]
fn ending_with_up_to_one_fault() {
    (0..=1).for_each(|length| all_well(&of_ending(), length, ending));
}

#[test]
fn exhaustive_ending_with_two_faults() {
    some_well(&of_ending(), 2, ending);
}
