//! What is known of repeats ahead of the store: it spares work, and never says anything else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::Repeats;
use application::ports::repeats::{Asked, Heard, Reach, Ticket};
use application::ports::store::Keys as _;
use application::{ApproveError, Ended, KeyError, Outcome, PrepareError};
use async_trait::async_trait;
use chrono::TimeDelta;
use tokio::time::sleep;

use crate::installation::{Installation, START, done, keyed, order};
use crate::store::Fault;

/// Says what it is told to say, and notes what it hears.
#[derive(Default)]
pub(crate) struct Rumours {
    /// What is said next; afterwards, that nothing is known.
    says: Mutex<Option<Heard>>,
    /// What was ended, with which answer.
    ends: Mutex<Vec<(Asked, Option<Vec<u8>>)>>,
}

impl Rumours {
    fn say(&self, heard: Heard) {
        *self.says.lock().unwrap() = Some(heard);
    }

    /// What was ended since the last time; the tasks that do it have come to it.
    async fn ended(&self) -> Vec<(Asked, Option<Vec<u8>>)> {
        sleep(Duration::from_millis(1)).await;
        std::mem::take(&mut self.ends.lock().unwrap())
    }
}

#[async_trait]
impl Repeats for Rumours {
    async fn begin(&self, _: &Asked) -> Heard {
        let says = self.says.lock().unwrap().take();
        says.unwrap_or(Heard::Nothing(Some(Ticket(7))))
    }

    async fn end(&self, asked: &Asked, ticket: Ticket, answer: Option<&[u8]>) {
        assert_eq!(ticket, Ticket(7));
        let answer = answer.map(<[u8]>::to_vec);
        self.ends.lock().unwrap().push((asked.clone(), answer));
    }

    fn reach(&self) -> Reach {
        Reach::Process
    }
}

const UNDER_WAY: Heard = Heard::UnderWay {
    retry_after: Duration::from_secs(1),
};

/// The bytes that an approval and a repeat of it left for further ones.
async fn kept(here: &Installation) -> Vec<u8> {
    let mut ended = here.rumours.ended().await;
    assert_eq!(ended.len(), 1, "{ended:?}");
    ended.remove(0).1.expect("an answer")
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_what_the_store_tells() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&command));
    let first = here.approve(&command, "k").await.unwrap();
    let by_first = kept(&here).await;
    sleep(Duration::from_secs(5)).await;
    let stored = here.approve(&command, "k").await.unwrap();
    let by_repeat = kept(&here).await;
    assert!(stored.replayed);
    for bytes in [by_first, by_repeat] {
        here.rumours.say(Heard::Answered(bytes));
        let told = here.approve(&command, "k").await.unwrap();
        assert!(told.replayed);
        assert_eq!(
            (&told.outcome, &stored.outcome),
            (&first.outcome, &told.outcome)
        );
        assert!(here.rumours.ended().await.is_empty(), "nothing was begun");
    }
    assert_eq!(here.keys_used().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_asked_of_the_store() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&command));
    let first = here.approve(&command, "k").await.unwrap();
    let bytes = kept(&here).await;
    let cut = bytes[..bytes.len() - 1].to_vec();
    let mut late = bytes.clone();
    late[0] = 0x7f;
    for wrong in [Vec::new(), b"{}".to_vec(), bytes[8..].to_vec(), cut, late] {
        here.rumours.say(Heard::Answered(wrong));
        let told = here.approve(&command, "k").await.unwrap();
        assert!(told.replayed && told.outcome == first.outcome);
    }
    assert_eq!(here.keys_used().len(), 1);
}

/// The key's time is over, and the store has forgotten it; whoever has kept the answer has not.
#[tokio::test(start_paused = true)]
async fn no_answer_outlives_its_key() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, done(&command));
    here.approve(&command, "k").await.unwrap();
    let bytes = kept(&here).await;
    let lifetime = Duration::from_hours(15 * 24);
    sleep(lifetime.saturating_sub(Duration::from_secs(10))).await;
    here.rumours.say(Heard::Answered(bytes.clone()));
    here.approve(&command, "k").await.unwrap();
    assert!(here.rumours.ended().await.is_empty(), "it was believed");
    sleep(Duration::from_secs(10)).await;
    let swept = here
        .memory
        .sweep_keys(START..START + TimeDelta::days(1), 10);
    assert_eq!(swept.await.unwrap(), 1);
    here.rumours.say(Heard::Answered(bytes));
    let again = here.approve(&command, "k").await;
    assert!(matches!(again, Err(ApproveError::Refused(_))), "{again:?}");
}

#[tokio::test(start_paused = true)]
async fn a_request_under_way_is_no_news_to_a_store_that_knows_it() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.rumours.say(UNDER_WAY);
    let refused = here.approve(&command, "k").await;
    let Err(ApproveError::Key(KeyError::Running { retry_after })) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(retry_after, Duration::from_secs(1));
    assert!(here.keys_used().is_empty(), "nothing was begun");
    here.will_answer(Duration::ZERO, done(&command));
    let first = here.approve(&command, "k").await.unwrap();
    // It is over, and nobody came to say so.
    here.rumours.say(UNDER_WAY);
    let again = here.approve(&command, "k").await.unwrap();
    assert!(again.replayed && again.outcome == first.outcome);
    // The store refuses a key that was used for something else, whoever is under way.
    here.rumours.say(UNDER_WAY);
    let other = here
        .app
        .approve(here.caller.clone(), command, keyed("k", 9));
    let other = other.await;
    assert!(
        matches!(other, Err(ApproveError::Key(KeyError::Reused))),
        "{other:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_over_before_it_is_told() {
    let here = Installation::new();
    let mut command = here.prepared("order-0001").await;
    command.amount_minor += 1;
    let refused = here.approve(&command, "k").await;
    assert!(
        matches!(refused, Err(ApproveError::Refused(_))),
        "{refused:?}"
    );
    {
        let ends = here.rumours.ends.lock().unwrap();
        assert_eq!(
            ends.len(),
            1,
            "whoever repeats it at once finds nothing under way"
        );
        assert_eq!(ends[0].1, None);
    }
    here.rumours.ended().await;
    let app = &here.app;
    let first = order("order-0001");
    let taken = app
        .prepare(&here.caller, &first, Some(&keyed("p", 1)))
        .await;
    assert!(
        matches!(taken, Err(PrepareError::OrderTaken { .. })),
        "{taken:?}"
    );
    assert_eq!(here.rumours.ends.lock().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_preparation_leaves_its_answer_too() {
    let here = Installation::new();
    let (order, key) = (order("order-0001"), keyed("p", 1));
    let prepare = async || here.app.prepare(&here.caller, &order, Some(&key)).await;
    let first = prepare().await.unwrap();
    here.rumours.say(Heard::Answered(kept(&here).await));
    let again = prepare().await.unwrap();
    assert!(again.replayed && again.outcome == first.outcome);
    assert!(matches!(
        again.outcome,
        Outcome::Ended(Ended::Prepared { .. })
    ));
    here.rumours.say(UNDER_WAY);
    let again = prepare().await.unwrap();
    assert!(again.replayed && again.outcome == first.outcome);
}

/// What is pending has no answer yet.
#[tokio::test(start_paused = true)]
async fn what_has_not_ended_is_not_kept() {
    let here = Installation::new();
    let mut command = here.prepared("order-0001").await;
    command.asynchronous = true;
    here.approve(&command, "k").await.unwrap();
    let ended = here.rumours.ended().await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].1, None);
}

/// A caller that leaves a preparation half done leaves nothing under way.
#[tokio::test(start_paused = true)]
async fn whoever_is_left_is_not_under_way() {
    let here = Installation::new();
    here.store.is(Fault::CommitsHang);
    let app = Arc::clone(&here.app);
    let caller = here.caller.clone();
    let (order, key) = (order("order-0001"), keyed("p", 1));
    let left = tokio::time::timeout(
        Duration::from_secs(1),
        app.prepare(&caller, &order, Some(&key)),
    );
    assert!(left.await.is_err());
    let ended = here.rumours.ended().await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0].1, None);
}
