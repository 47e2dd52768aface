//! Owns the tests of the breaker, on a clock that only moves when told.

use tokio::time::advance;

use super::*;

const LIMITS: Limits = Limits {
    failures_max: 3,
    window: Duration::from_secs(30),
    cool_down: Duration::from_secs(10),
    questions_max: 2,
};

async fn pass_time(seconds: u64) {
    advance(Duration::from_secs(seconds)).await;
}

fn call(breaker: &Breaker, share: Share, health: Health) -> Option<Turn> {
    breaker.enter(share).expect("let through").settle(health)
}

fn act(breaker: &Breaker, health: Health) -> Option<Turn> {
    call(breaker, Share::Action, health)
}

fn ask(breaker: &Breaker, health: Health) -> Option<Turn> {
    call(breaker, Share::Question, health)
}

fn opened() -> Breaker {
    let breaker = Breaker::new(LIMITS);
    assert_eq!(act(&breaker, Health::Failing), None);
    assert_eq!(act(&breaker, Health::Failing), None);
    assert_eq!(act(&breaker, Health::Failing), Some(Turn::Opened));
    breaker
}

fn is_shut(breaker: &Breaker) -> bool {
    breaker.enter(Share::Action).is_none()
}

#[tokio::test(start_paused = true)]
async fn opens_after_failures_in_a_row() {
    let breaker = opened();
    assert!(breaker.is_open());
    assert_eq!(breaker.admit(), Err(Duration::from_secs(10)));
    assert!(is_shut(&breaker));
    pass_time(4).await;
    assert_eq!(breaker.admit(), Err(Duration::from_secs(6)));
}

#[tokio::test(start_paused = true)]
async fn one_answered_action_ends_the_row() {
    let breaker = Breaker::new(LIMITS);
    for _ in 0..5 {
        act(&breaker, Health::Failing);
        act(&breaker, Health::Failing);
        act(&breaker, Health::Well);
    }
    assert!(!breaker.is_open());
}

#[tokio::test(start_paused = true)]
async fn answered_questions_do_not_hide_failing_actions() {
    let breaker = Breaker::new(LIMITS);
    for _ in 0..2 {
        act(&breaker, Health::Failing);
        ask(&breaker, Health::Well);
        act(&breaker, Health::Busy);
    }
    assert_eq!(act(&breaker, Health::Failing), Some(Turn::Opened));
}

#[tokio::test(start_paused = true)]
async fn failures_far_apart_do_not_add_up() {
    let breaker = Breaker::new(LIMITS);
    for _ in 0..10 {
        assert_eq!(act(&breaker, Health::Failing), None);
        pass_time(16).await;
    }
    // The window slides: the last two and this one are close together.
    act(&breaker, Health::Failing);
    assert_eq!(act(&breaker, Health::Failing), Some(Turn::Opened));
}

#[tokio::test(start_paused = true)]
async fn refused_credentials_open_it_at_once() {
    let breaker = Breaker::new(LIMITS);
    assert_eq!(ask(&breaker, Health::Locked), Some(Turn::Locked));
    assert!(is_shut(&breaker));
}

#[tokio::test(start_paused = true)]
async fn one_probe_at_a_time_decides() {
    let breaker = opened();
    pass_time(10).await;
    let probe = breaker.enter(Share::Action).expect("the probe");
    assert!(is_shut(&breaker));
    assert_eq!(probe.settle(Health::Failing), None);
    assert!(is_shut(&breaker));
    assert_eq!(breaker.admit(), Err(Duration::from_secs(10)));
    pass_time(10).await;
    assert_eq!(act(&breaker, Health::Well), Some(Turn::Closed));
    assert_eq!(breaker.admit(), Ok(()));
    // And from nothing: the failures before are forgotten.
    assert_eq!(act(&breaker, Health::Failing), None);
    assert_eq!(act(&breaker, Health::Failing), None);
    assert!(!breaker.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_cut_off_frees_its_place() {
    let breaker = opened();
    pass_time(10).await;
    drop(breaker.enter(Share::Action).expect("the probe"));
    assert!(breaker.is_open());
    assert_eq!(act(&breaker, Health::Well), Some(Turn::Closed));
}

#[tokio::test(start_paused = true)]
async fn only_one_new_saga_is_let_in_to_probe() {
    let breaker = opened();
    pass_time(10).await;
    assert_eq!(breaker.admit(), Ok(()));
    assert_eq!(breaker.admit(), Err(Duration::from_secs(10)));
    // Its call is let through, whenever it comes.
    let probe = breaker.enter(Share::Action).expect("the probe");
    pass_time(30).await;
    assert_eq!(breaker.admit(), Err(Duration::from_secs(10)));
    assert_eq!(probe.settle(Health::Well), Some(Turn::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_few_questions_go_on_and_end_the_cool_down() {
    let breaker = opened();
    let first = breaker.enter(Share::Question).expect("a question");
    let second = breaker.enter(Share::Question).expect("a question");
    assert!(breaker.enter(Share::Question).is_none());
    assert_eq!(first.settle(Health::Failing), None);
    assert!(is_shut(&breaker));
    assert_eq!(second.settle(Health::Well), None);
    // It can be reached: an action may try.
    assert!(breaker.is_open());
    assert_eq!(act(&breaker, Health::Well), Some(Turn::Closed));
}

#[tokio::test(start_paused = true)]
async fn a_question_without_answer_prolongs_an_over_cool_down() {
    let breaker = opened();
    pass_time(5).await;
    ask(&breaker, Health::Failing);
    assert_eq!(breaker.admit(), Err(Duration::from_secs(5)));
    pass_time(5).await;
    ask(&breaker, Health::Locked);
    assert_eq!(breaker.admit(), Err(Duration::from_secs(10)));
}

#[tokio::test(start_paused = true)]
async fn answers_from_before_a_turn_do_not_count() {
    let breaker = Breaker::new(LIMITS);
    let slow: Vec<Pass<'_>> = (0..5)
        .map(|_| breaker.enter(Share::Action).expect("closed"))
        .collect();
    for _ in 0..3 {
        act(&breaker, Health::Failing);
    }
    pass_time(10).await;
    assert_eq!(act(&breaker, Health::Well), Some(Turn::Closed));
    for pass in slow {
        assert_eq!(pass.settle(Health::Failing), None);
    }
    assert!(!breaker.is_open());
}

#[test]
fn declines_and_conflicts_are_signs_of_life() {
    let unknown = |cause| Health::of(&Answer::Unknown(cause));
    assert_eq!(Health::of(&Answer::NotFound), Health::Well);
    assert_eq!(unknown(Cause::SessionGone), Health::Well);
    assert_eq!(unknown(Cause::Conflict(String::new())), Health::Well);
    assert_eq!(unknown(Cause::NotSent), Health::Failing);
    assert_eq!(unknown(Cause::Lost), Health::Failing);
    assert_eq!(unknown(Cause::Unreadable(String::new())), Health::Failing);
    assert_eq!(unknown(Cause::Configuration(String::new())), Health::Locked);
    assert_eq!(
        unknown(Cause::Busy {
            retry_after_seconds: None
        }),
        Health::Busy
    );
}
