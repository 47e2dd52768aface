//! The whole table: every status x trigger x target x actor is legal exactly when it is expected
//! to be, every status is reachable, and nothing leaves a status that is final.

use std::collections::BTreeSet;

use domain::payment::{PayStatus, TRANSITIONS, Trigger, check};
use domain::principal::Actor;

/// The diagram, written down a second time: `from trigger to`, and who may.
const DIAGRAM: &str = "
READY               BEGIN            IN_PROGRESS          MERCHANT BUYER SYSTEM
READY               EXPIRE           EXPIRED              SYSTEM
READY               WITHDRAW         CANCELED             MERCHANT BUYER OPERATOR SYSTEM
IN_PROGRESS         CAPTURE          DONE                 GATEWAY
IN_PROGRESS         DECLINE          READY                GATEWAY
IN_PROGRESS         ABORT            ABORTED              GATEWAY
IN_PROGRESS         ACCOUNT_ISSUED   WAITING_FOR_DEPOSIT  GATEWAY
WAITING_FOR_DEPOSIT DEPOSIT          DONE                 GATEWAY
WAITING_FOR_DEPOSIT EXPIRE           EXPIRED              SYSTEM
WAITING_FOR_DEPOSIT WITHDRAW         CANCELED             MERCHANT BUYER OPERATOR SYSTEM
DONE                DEPOSIT_REVERSED WAITING_FOR_DEPOSIT  GATEWAY
DONE                CANCEL_BEGIN     CANCEL_REQUESTED     MERCHANT BUYER OPERATOR SYSTEM
DONE                CANCELED_PART    PARTIAL_CANCELED     GATEWAY
DONE                CANCELED_ALL     CANCELED             GATEWAY
PARTIAL_CANCELED    CANCEL_BEGIN     CANCEL_REQUESTED     MERCHANT BUYER OPERATOR SYSTEM
PARTIAL_CANCELED    CANCELED_PART    PARTIAL_CANCELED     GATEWAY
PARTIAL_CANCELED    CANCELED_ALL     CANCELED             GATEWAY
CANCEL_REQUESTED    CANCELED_PART    PARTIAL_CANCELED     GATEWAY
CANCEL_REQUESTED    CANCELED_ALL     CANCELED             GATEWAY
CANCEL_REQUESTED    CANCEL_REFUSED   DONE                 GATEWAY
CANCEL_REQUESTED    CANCEL_REFUSED   PARTIAL_CANCELED     GATEWAY
";

fn expected() -> BTreeSet<(String, String, String, String)> {
    let mut expected = BTreeSet::new();
    for line in DIAGRAM.lines().filter(|line| !line.trim().is_empty()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for actor in &words[3..] {
            let [from, trigger, to] = [words[0], words[1], words[2]].map(ToOwned::to_owned);
            expected.insert((from, trigger, to, (*actor).to_owned()));
        }
    }
    expected
}

#[test]
fn every_cell_is_as_the_diagram_says() {
    let expected = expected();
    let mut cells = 0;
    for from in PayStatus::ALL {
        for trigger in Trigger::ALL {
            for to in PayStatus::ALL {
                for actor in Actor::ALL {
                    let cell = (
                        from.to_string(),
                        trigger.to_string(),
                        to.to_string(),
                        actor.to_string(),
                    );
                    let legal = check(*from, *trigger, *to, actor).is_ok();
                    assert_eq!(legal, expected.contains(&cell), "{cell:?}");
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 9 * 13 * 9 * 5);
}

#[test]
fn every_status_is_reachable_from_ready() {
    let mut reached = BTreeSet::from([PayStatus::Ready]);
    for _ in PayStatus::ALL {
        let next: Vec<PayStatus> = TRANSITIONS
            .iter()
            .filter(|row| reached.contains(&row.from))
            .map(|row| row.to)
            .collect();
        reached.extend(next);
    }
    assert_eq!(reached, PayStatus::ALL.iter().copied().collect());
}

#[test]
fn final_statuses_are_final() {
    let finals = [PayStatus::Canceled, PayStatus::Aborted, PayStatus::Expired];
    for status in PayStatus::ALL {
        assert_eq!(status.is_final(), finals.contains(status), "{status}");
    }
    for row in TRANSITIONS {
        let is_final = matches!(
            row.from,
            PayStatus::Canceled | PayStatus::Aborted | PayStatus::Expired
        );
        assert!(!is_final, "{row:?}");
    }
}

#[test]
fn words_round_trip() {
    for status in PayStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(*status));
    }
    for trigger in Trigger::ALL {
        assert_eq!(trigger.as_str().parse(), Ok(*trigger));
    }
    assert!("done".parse::<PayStatus>().is_err());
}
