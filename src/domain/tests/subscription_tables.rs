//! Both tables whole: every transition of a subscription and of a cycle is legal exactly when it
//! is written down here a second time, every status is reachable, and what is final is final.

use std::collections::BTreeSet;

use domain::principal::Actor;
use domain::subscription::{
    CYCLE_TRANSITIONS, CycleStatus, CycleTrigger, Deed, Status, TRANSITIONS, check,
};

/// `from deed to`, and who may; deeds without their `subscription.`
const DIAGRAM: &str = "
PENDING          paid             ACTIVE           GATEWAY
PENDING          paid             CANCEL_SCHEDULED GATEWAY
PENDING          payment_declined PENDING          GATEWAY
PENDING          payment_failed   EXPIRED          GATEWAY SYSTEM
PENDING          cycle_skipped    PENDING          SYSTEM
PENDING          card_changed     PENDING          MERCHANT BUYER OPERATOR
PENDING          canceled         CANCELED         MERCHANT BUYER OPERATOR
PENDING          expired          EXPIRED          SYSTEM
ACTIVE           paid             ACTIVE           GATEWAY
ACTIVE           payment_declined PAST_DUE         GATEWAY
ACTIVE           payment_failed   EXPIRED          GATEWAY SYSTEM
ACTIVE           cycle_skipped    ACTIVE           SYSTEM
ACTIVE           card_changed     ACTIVE           MERCHANT BUYER OPERATOR
ACTIVE           cancel_scheduled CANCEL_SCHEDULED MERCHANT BUYER OPERATOR
ACTIVE           canceled         CANCELED         MERCHANT BUYER OPERATOR
ACTIVE           refunded         ACTIVE           GATEWAY
ACTIVE           refunded         CANCELED         GATEWAY
PAST_DUE         paid             ACTIVE           GATEWAY
PAST_DUE         payment_declined PAST_DUE         GATEWAY
PAST_DUE         payment_failed   EXPIRED          GATEWAY SYSTEM
PAST_DUE         cycle_skipped    PAST_DUE         SYSTEM
PAST_DUE         card_changed     PAST_DUE         MERCHANT BUYER OPERATOR
PAST_DUE         canceled         CANCELED         MERCHANT BUYER OPERATOR
PAST_DUE         refunded         PAST_DUE         GATEWAY
PAST_DUE         refunded         CANCELED         GATEWAY
CANCEL_SCHEDULED canceled         CANCELED         MERCHANT BUYER OPERATOR
CANCEL_SCHEDULED refunded         CANCEL_SCHEDULED GATEWAY
CANCEL_SCHEDULED refunded         CANCELED         GATEWAY
CANCEL_SCHEDULED expired          EXPIRED          SYSTEM
CANCELED         refunded         CANCELED         GATEWAY
EXPIRED          refunded         EXPIRED          GATEWAY
CANCELED         refund_refused   CANCELED         GATEWAY
";

const CYCLES: &str = "
WAITING  BEGIN   CHARGING
WAITING  RESUME  WAITING
WAITING  SKIP    SKIPPED
WAITING  CLOSE   CLOSING
WAITING  END     VOID
CHARGING PAY     PAID
CHARGING DECLINE WAITING
CHARGING HOLD    HELD
CHARGING GIVE_UP FAILED
HELD     RESUME  WAITING
HELD     GIVE_UP FAILED
HELD     END     VOID
CLOSING  END     VOID
PAID     REFUND  REFUNDED
";

fn lines(diagram: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = diagram.lines().filter(|line| !line.is_empty());
    lines.map(|line| line.split_whitespace().collect())
}

#[test]
fn every_cell_of_a_subscription_is_as_the_diagram_says() {
    let mut expected = BTreeSet::new();
    for words in lines(DIAGRAM) {
        for actor in &words[3..] {
            expected.insert(format!("{} {} {} {actor}", words[0], words[1], words[2]));
        }
    }
    let mut cells = 0;
    for from in Status::ALL {
        for deed in Deed::ALL {
            for to in Status::ALL {
                for actor in Actor::ALL {
                    let word = deed.as_str().trim_start_matches("subscription.");
                    let cell = format!("{from} {word} {to} {actor}");
                    let legal = check(*from, *deed, *to, actor).is_ok();
                    assert_eq!(legal, expected.contains(&cell), "{cell}");
                    cells += 1;
                }
            }
        }
    }
    assert_eq!(cells, 6 * 11 * 6 * 5);
}

#[test]
fn every_cell_of_a_cycle_is_as_the_diagram_says() {
    let expected: BTreeSet<String> = lines(CYCLES).map(|words| words.join(" ")).collect();
    for from in CycleStatus::ALL {
        for trigger in CycleTrigger::ALL {
            for to in CycleStatus::ALL {
                let cell = format!("{from} {trigger} {to}");
                let legal = CYCLE_TRANSITIONS.contains(&(*from, *trigger, *to));
                assert_eq!(legal, expected.contains(&cell), "{cell}");
            }
        }
    }
    assert_eq!(CYCLE_TRANSITIONS.len(), expected.len());
}

#[test]
fn every_status_is_reachable() {
    let mut reached = BTreeSet::from([Status::Pending]);
    for _ in Status::ALL {
        let rows = TRANSITIONS.iter().filter(|row| reached.contains(&row.from));
        let next: Vec<Status> = rows.map(|row| row.to).collect();
        reached.extend(next);
    }
    assert_eq!(reached, Status::ALL.iter().copied().collect());

    let mut reached = BTreeSet::from([CycleStatus::Waiting]);
    for _ in CycleStatus::ALL {
        let rows = CYCLE_TRANSITIONS
            .iter()
            .filter(|row| reached.contains(&row.0));
        let next: Vec<CycleStatus> = rows.map(|row| row.2).collect();
        reached.extend(next);
    }
    assert_eq!(reached, CycleStatus::ALL.iter().copied().collect());
}

#[test]
fn final_statuses_are_final() {
    for status in Status::ALL {
        let ended = [Status::Canceled, Status::Expired].contains(status);
        assert_eq!(status.is_final(), ended, "{status}");
    }
    for status in CycleStatus::ALL {
        let word = status.as_str();
        let over = ["FAILED", "SKIPPED", "VOID", "REFUNDED"].contains(&word);
        assert_eq!(status.is_final(), over, "{status}");
    }
}

#[test]
fn words_round_trip() {
    for status in Status::ALL {
        assert_eq!(status.as_str().parse(), Ok(*status));
    }
    for deed in Deed::ALL {
        assert_eq!(deed.as_str().parse(), Ok(*deed));
    }
    for status in CycleStatus::ALL {
        assert_eq!(status.as_str().parse(), Ok(*status));
    }
    assert!("active".parse::<Status>().is_err());
}
