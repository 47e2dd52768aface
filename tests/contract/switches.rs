//! Safety switches read back as they were turned last, and no turn is lost or doubled.

use application::ports::store::CommitError;
use domain::change::Change;
use domain::principal::Actor;
use domain::switch::{Operation, Reach, Turn};

use crate::samples::{at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(turns, the_newest_turn_is_in_force);

fn turn(operation: Operation, reach: Reach, number: i64) -> Turn {
    Turn {
        operation,
        reach,
        number,
        paused: number % 2 == 1,
        actor: Actor::Operator,
        who: "운영자".to_owned(),
        why: "장애 대응".to_owned(),
        at: at(number),
    }
}

fn change(turn: &Turn) -> [Change; 1] {
    [Change::TurnSwitch(Box::new(turn.clone()))]
}

async fn turns(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    assert_eq!(store.switches().await.expect("read"), []);
    for reach in Reach::over(tenant.scope, tenant.account) {
        for operation in Operation::ALL {
            let first = turn(operation, reach, 1);
            store.commit(&change(&first)).await.expect("turned");
            let twice = store.commit(&change(&first)).await;
            assert!(matches!(twice, Err(CommitError::Conflict)), "{twice:?}");
            let found = store.switches().await.expect("read");
            assert!(found.contains(&first), "{found:?}");
        }
    }
    assert_eq!(store.switches().await.expect("read").len(), 12);
}

async fn the_newest_turn_is_in_force(tested: Tested) {
    let store = tested.store.as_ref();
    let tenant = tenant(store).await;
    let (own, all) = (Reach::Scope(tenant.scope), Reach::Everywhere);
    let made = [
        turn(Operation::Approvals, own, 1),
        turn(Operation::Approvals, own, 2),
        turn(Operation::Approvals, own, 3),
        turn(Operation::Cancels, own, 1),
        turn(Operation::Cancels, own, 2),
        turn(Operation::Approvals, all, 1),
    ];
    for turn in &made {
        store.commit(&change(turn)).await.expect("turned");
    }
    let now = store.switches().await.expect("read");
    let newest = [made[5].clone(), made[2].clone(), made[4].clone()];
    assert_eq!(now, newest, "by operation and reach");
    let history = store.turns(100).await.expect("read");
    assert_eq!(history.len(), made.len(), "turns stay");
    assert_eq!(history.first(), Some(&made[2]), "newest first");
    assert_eq!(store.turns(2).await.expect("read"), history[..2]);
}
