//! How much of a list one pass reads, and what it makes of one that never ends or is refused.

use super::*;

/// How many pages one pass reads at most.
const PAGES_MAX: usize = 200;

impl Installation {
    /// Pages of one movement each, of nobody we know, named and dated by their number.
    fn will_list_many(&self, count: usize, at: impl Fn(i64) -> Option<Timestamp>) {
        for number in (0..).take(count) {
            self.will_list(page(vec![Listed {
                transaction_key: format!("t{number}").parse().unwrap(),
                payment_key: "tgen_foreign".parse().unwrap(),
                order_id: "ord_20260315_000001".to_owned(),
                line: Line::Capture,
                at: at(number),
            }]));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_pass_reads_so_many_pages_and_the_next_one_goes_on() {
    let here = Installation::new();
    sleep(Duration::from_hours(2)).await;
    let at = |number| START + TimeDelta::seconds(10 * number);
    here.will_list_many(PAGES_MAX + 1, |number| Some(at(number)));
    here.watched().await;
    assert_eq!(here.listed().len(), PAGES_MAX);
    let reached = at(i64::try_from(PAGES_MAX).unwrap() - 1);
    assert_eq!(here.next_start().await, reached - OVERLAP);
    let now = here.now();
    assert_eq!(here.next_start().await, now - OVERLAP, "to its end");
}

#[tokio::test(start_paused = true)]
async fn where_more_moves_in_the_overlap_than_one_pass_reads_the_place_stays() {
    for at in [Some(long_ago()), None] {
        let here = Installation::new();
        let command = here.paid("0001").await;
        here.will_list_one(&command, "cancel_1", Line::Cancel);
        here.will_list_many(PAGES_MAX, |_| at);
        here.will_find(canceled(&command, &[1]));
        here.watched().await;
        assert_eq!(here.listed().len(), PAGES_MAX);
        // What was read is booked all the same.
        let payment = here.payment(command.payment).await;
        assert_eq!(payment.balance().unwrap(), krw(9_999));
        assert_eq!(here.next_start().await, START - OVERLAP, "{at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_take_turns_are_read_once_each() {
    let here = Installation::new();
    let (first, second) = (here.paid("0001").await, here.paid("0002").await);
    for _ in 0..2 {
        here.will_list_one(&first, "cancel_1", Line::Cancel);
        here.will_list_one(&second, "cancel_2", Line::Cancel);
    }
    here.will_find(canceled(&first, &[1]));
    here.will_find(canceled(&second, &[1]));
    here.watched().await;
    assert_eq!(here.listed().len(), 3, "the third is the first again");
    for command in [&first, &second] {
        let payment = here.payment(command.payment).await;
        assert_eq!(payment.balance().unwrap(), krw(9_999));
    }
    here.gateway.pages.lock().unwrap().clear();
    assert_eq!(here.next_start().await, START - OVERLAP, "not to its end");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_is_busy_is_left_alone_for_as_long_as_it_says() {
    let here = Installation::new();
    here.will_not_list(Cause::Busy {
        retry_after_seconds: Some(300),
    });
    here.watched().await;
    assert_eq!(here.listed().len(), 1);
    for passed in 1..=4 {
        here.watched().await;
        assert_eq!(here.listed().len(), 0, "after {passed} minutes");
    }
    here.watched().await;
    assert_eq!(here.listed().len(), 1);
    // A shorter wait than the pause between two watches shortens nothing.
    here.will_not_list(Cause::Busy {
        retry_after_seconds: Some(1),
    });
    here.watched().await;
    assert_eq!(here.listed().len(), 1);
    sleep(Duration::from_secs(59)).await;
    here.app.watch().await.unwrap();
    assert_eq!(here.listed().len(), 0);
}
