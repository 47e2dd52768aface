//! Notifications that do not open: tried for a day, then parked; and how little is asked for those
//! that do.

use std::sync::atomic::Ordering;
use std::time::Duration;

use domain::change::Change;
use domain::id::InboundId;
use domain::inbox::{Change as Write, Verdict};
use domain::vault::Sealed;
use tokio::time::sleep;

use super::SECOND;
use crate::installation::Installation;

#[tokio::test(start_paused = true)]
async fn what_never_opens_is_parked_after_a_day() {
    let shop = Installation::new();
    let command = shop.bought("tampered").await;
    let body = format!("hint {} unclear", command.gateway_order);
    shop.told(&body).await.unwrap();
    let mut broken = shop.inbox().remove(0);
    broken.id = InboundId::new("1".repeat(34).parse().unwrap());
    broken.digest = [1; 32];
    broken.body = Sealed(vec![1, 2, 3]);
    let insert = Change::Inbox(Box::new(Write::Insert(Box::new(broken.clone()))));
    shop.memory.commit_now(&[insert]).unwrap();
    let verdict = || {
        let all = shop.inbox();
        let found = all.iter().find(|inbound| inbound.id == broken.id);
        found.unwrap().verdict
    };
    for _ in 0..23 {
        sleep(SECOND).await;
        shop.app.sort_inbox().await.unwrap();
        assert_eq!(verdict(), Verdict::Waiting);
        sleep(Duration::from_hours(1)).await;
    }
    assert!(shop.verdicts().contains(&Verdict::Hinted), "the other one");
    sleep(Duration::from_hours(1)).await;
    assert_eq!(shop.app.sort_inbox().await.unwrap(), 1);
    assert_eq!(verdict(), Verdict::Unreadable);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(shop.app.sort_inbox().await.unwrap(), 0, "it is over");
}

#[tokio::test(start_paused = true)]
async fn an_account_is_looked_up_once_for_all_of_a_pass() {
    let shop = Installation::new();
    let command = shop.bought("many").await;
    for number in 0..20 {
        let body = format!("hint {} unclear {number}", command.gateway_order);
        shop.told(&body).await.unwrap();
    }
    sleep(SECOND).await;
    let before = shop.store.accounts_read.load(Ordering::Relaxed);
    assert_eq!(shop.app.sort_inbox().await.unwrap(), 20);
    assert_eq!(shop.verdicts(), [Verdict::Hinted; 20]);
    assert_eq!(shop.store.accounts_read.load(Ordering::Relaxed) - before, 1);
}
