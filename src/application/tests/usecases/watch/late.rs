//! Money that an attempt took after it was given up, and what becomes of the attempts after it.

use application::ApproveError;
use domain::ledger::Account;
use domain::payment::ApproveRefusal;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_key_whose_money_is_given_back_is_not_approved_again() {
    let here = Installation::new();
    let command = here.prepared("order-0001").await;
    here.will_answer(Duration::ZERO, Answer::Unknown(Cause::SessionGone));
    here.will_show(Answer::NotFound);
    here.approve(&command, "k1").await.unwrap();
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Ready
    );

    let taken = line(&command, "txrd_1", Line::Capture, long_ago());
    here.will_list(page(vec![taken]));
    here.will_find(snapshot(&command, Status::Done, 10_000));
    here.watched().await;
    let entries = here.memory.entries(command.payment).await.unwrap();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].credit, Account::Suspense);

    let again = here.approve(&command, "k2").await;
    assert!(
        matches!(again, Err(ApproveError::Refused(ApproveRefusal::KeySpent))),
        "{again:?}"
    );

    let mut other = command.clone();
    other.payment_key = "tgen_key0002".parse().unwrap();
    here.will_answer(Duration::ZERO, done(&other));
    here.approve(&other, "k3").await.unwrap();
    assert_eq!(
        here.payment(command.payment).await.status(),
        PayStatus::Done
    );
}
