//! What notifications may cost: questions by payment and by merchant, and rows that say nothing.

use std::time::Duration;

use application::ports::Brought;
use domain::inbox::Verdict;
use domain::snapshot::{Answer, Cause};
use tokio::time::sleep;

use super::canceled;
use super::intake::{QUESTIONS, UNREADABLE};
use crate::installation::{Installation, done};

#[tokio::test(start_paused = true)]
async fn one_payment_hinted_at_a_thousand_times_is_asked_about_every_two_seconds() {
    let shop = Installation::new();
    let command = shop.bought("flood").await;
    let before = shop.asked();
    for _ in 0..100 {
        shop.will_show(done(&command));
    }
    // The forger names whatever they like.
    for second in 0..60 {
        for number in 0..17 {
            let body = format!("hint {} moved t{second}-{number}", command.gateway_order);
            assert_eq!(shop.told(&body).await.unwrap(), Brought::Kept);
        }
        shop.worked().await;
    }
    let asked = shop.asked() - before;
    assert!((1..=31).contains(&asked), "{asked}");
    let times = shop.gateway.asked.lock().unwrap();
    for pair in times[before..].windows(2) {
        assert!(pair[1] - pair[0] >= Duration::from_secs(2), "{pair:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_merchants_budget_is_kept_and_what_is_over_waits_as_it_is() {
    let shop = Installation::new();
    let mut commands = Vec::new();
    for number in 0..QUESTIONS * 2 {
        commands.push(shop.bought(&format!("many-{number}")).await);
    }
    let before = shop.asked();
    for command in &commands {
        shop.will_show(Answer::NotFound);
        let body = format!("hint {} moved forged", command.gateway_order);
        shop.told(&body).await.unwrap();
    }
    shop.worked_for(30).await;
    let asked = shop.asked() - before;
    // What the bucket holds, and what flows in.
    let budget = usize::try_from(QUESTIONS).unwrap();
    assert!((budget..=budget + 31).contains(&asked), "{asked}");
    let waits = |hint: &domain::inbox::Hint| hint.due_at.is_some();
    let waiting = shop.memory.all_hints().into_iter().filter(waits);
    assert!(waiting.clone().count() >= 20);
    assert!(waiting.into_iter().all(|hint| hint.looks == 0));
    shop.worked_for(120).await;
    let settled = shop.memory.all_hints();
    assert!(
        settled.iter().all(|hint| hint.due_at.is_none()),
        "in the end"
    );
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_cannot_be_asked_is_left_alone_and_asked_in_the_end() {
    let shop = Installation::new();
    let command = shop.bought("busy").await;
    let before = shop.asked();
    shop.will_show(Answer::Unknown(Cause::NotSent));
    shop.will_show(Answer::Unknown(Cause::Busy {
        retry_after_seconds: Some(30),
    }));
    shop.will_show(Answer::Unknown(Cause::Lost));
    shop.will_show(Answer::Found(Box::new(canceled(&command, &[("c1", 500)]))));
    let body = format!("hint {} moved c1", command.gateway_order);
    shop.told(&body).await.unwrap();
    shop.worked_for(4).await;
    assert_eq!(shop.asked() - before, 1);
    shop.worked_for(20).await;
    assert_eq!(shop.asked() - before, 2);
    shop.worked_for(40).await;
    assert_eq!(shop.asked() - before, 4);
    assert_eq!(shop.given_back(&command).await, 500);
}

#[tokio::test(start_paused = true)]
async fn enough_of_what_cannot_be_read_is_enough() {
    let shop = Installation::new();
    for number in 0..UNREADABLE {
        let told = shop.told(&format!("??? {number}")).await.unwrap();
        assert_eq!(told, Brought::Kept);
    }
    assert_eq!(shop.told("??? more").await.unwrap(), Brought::Dropped);
    assert_eq!(shop.told("none at all").await.unwrap(), Brought::Kept);
    shop.worked().await;
    let unreadable = Verdict::Unreadable;
    assert_eq!(shop.verdicts()[..3], [unreadable; 3]);
    sleep(Duration::from_hours(1)).await;
    assert_eq!(shop.told("??? later").await.unwrap(), Brought::Kept);
}

/// Ten thousand, of every kind that a forger may think of: replays, strange orders, orders of ours
/// with claims that are not true.
#[tokio::test(start_paused = true)]
async fn ten_thousand_forgeries_have_no_effect_and_cost_the_budget_at_most() {
    let shop = Installation::new();
    let mut commands = Vec::new();
    for number in 0..10 {
        commands.push(shop.bought(&format!("forged-{number}")).await);
    }
    let (books, before) = (shop.memory.all_entries(), shop.asked());
    let payments = async || {
        let mut all = Vec::new();
        for command in &commands {
            all.push(shop.payment(command.payment).await);
        }
        all
    };
    let were = payments().await;
    let mut seconds = 0;
    for number in 0..10_000_usize {
        let command = &commands[number % commands.len()];
        let order = command.gateway_order;
        let body = match number % 5 {
            0 => format!("hint {order} moved forged-{number}"),
            1 => format!("hint {order} unclear {number}"),
            2 => format!("hint {order} nothing"),
            3 => format!("hint gwo_{number:034} moved txrd_1"),
            _ => format!("signed {number}"),
        };
        shop.told(&body).await.unwrap();
        if number % 100 == 0 {
            // The gateway denies everything, which is no reason to give anything back.
            shop.gateway.questions.lock().unwrap().clear();
            (0..100).for_each(|_| shop.will_show(Answer::NotFound));
            shop.worked().await;
            seconds += 1;
        }
    }
    assert_eq!(shop.memory.all_entries(), books);
    assert_eq!(payments().await, were);
    let asked = shop.asked() - before;
    let budget = usize::try_from(QUESTIONS).unwrap() + seconds + 1;
    assert!(asked <= budget, "{asked} questions, {budget} allowed");
}
