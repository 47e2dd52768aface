//! Owns the races about one subscription: its end, its renewal and a change of its card at one
//! time, whoever comes first at every call of a port.

use application::ports::store::Subscriptions as _;
use application::subscriptions::CardError;
use domain::billing::{self, Stage};
use domain::change::Change;
use domain::id::BillingKeyId;
use domain::subscription::{CycleStatus, Status};
use tokio::time::advance;

use crate::judge::movements;
use crate::members::{MONTH, card};
use crate::world::{AMOUNT, World, in_virtual_time};

/// How often both sides could go on, and are told who does: 512 orders.
const DECISIONS: u32 = 9;

impl World {
    /// Another card of the first member's.
    fn another_card(&self) -> BillingKeyId {
        let mut another = card(self, 1);
        another.member = card(self, 0).member;
        if let Stage::Active { is_default, .. } = &mut another.stage {
            *is_default = false;
        }
        let id = another.id;
        let insert = billing::Change::Insert(Box::new(another));
        let insert = Change::Billing(Box::new(insert));
        self.memory.commit_now(&[insert]).unwrap();
        id
    }
}

/// What is wrong in the end, and whether the second cycle was charged.
fn race(schedule: u32) -> (Vec<String>, bool) {
    in_virtual_time(async {
        let world = World::with_an_offer().await;
        let another = world.another_card();
        let made = world.subscribe_until_final().await;
        let id = made.subscription.subscription_id.parse().unwrap();
        advance(MONTH).await;
        world.turnstile.set(schedule, DECISIONS);
        world.schedule();
        let change = world.app.pay_with(&world.caller, id, another);
        let (_, other) = tokio::join!(world.end_until_final(id), change);
        let mut wrong = Vec::new();
        if !matches!(
            other,
            Ok(_) | Err(CardError::Ended(_) | CardError::Contended)
        ) {
            wrong.push(format!("{other:?}"));
        }
        if !world.settle().await {
            wrong.push("a saga is still open".to_owned());
        }
        movements(&world, &mut wrong);
        wrong.extend(world.astray().await);
        let found = world.memory.any_subscription(id).await.unwrap().unwrap();
        // The gateway of the scripts dates what it takes to the beginning: the seven days are over.
        let charged = found.status == Status::CancelScheduled;
        let (status, held, left) = if charged {
            (Status::CancelScheduled, 2 * AMOUNT, CycleStatus::Closing)
        } else {
            (Status::Canceled, AMOUNT, CycleStatus::Void)
        };
        let newest = world.memory.cycles(id, None, 1).await.unwrap().remove(0);
        let seen = (found.status, world.held(), newest.state.status());
        if seen != (status, held, left) {
            wrong.push(format!("{seen:?}"));
        }
        (wrong, charged)
    })
}

#[test]
fn an_end_a_renewal_and_a_change_of_card_race_in_every_order() {
    let mut charged = [0, 0];
    for schedule in 0..1 << DECISIONS {
        let (wrong, taken) = race(schedule);
        assert!(wrong.is_empty(), "{schedule:#b}: {wrong:?}");
        charged[usize::from(taken)] += 1;
    }
    assert!(charged.iter().all(|orders| *orders > 0), "{charged:?}");
}
