//! Owns what follows a decline: another try later, a wait for another card, or the end.

use std::time::Duration;

use crate::decline::{Class, Decline, Reason};
use crate::webhook::Chance;
use crate::{Timestamp, after};

words! {
    /// Whose fault a decline is, and so what can mend it.
    Fault {
        /// The card may do later.
        Soft => "SOFT",
        /// This card will not do: only another one can.
        Hard => "HARD",
        /// The merchant's set-up: no card would do, and the member can do nothing.
        Merchant => "MERCHANT",
    }
}

impl Fault {
    /// Whose fault this decline is.
    #[must_use]
    pub const fn of(decline: &Decline) -> Self {
        match decline.reason {
            Reason::CardRefused
            | Reason::InsufficientFunds
            | Reason::LimitExceeded
            | Reason::TooManyTries
            | Reason::SessionExpired => Self::Soft,
            Reason::CardUnusable
            | Reason::WrongDetails
            | Reason::MethodUnsupported
            | Reason::AccountRefused
            | Reason::FraudSuspected => Self::Hard,
            Reason::MerchantSetup | Reason::WrongCapture | Reason::BalanceChanged => Self::Merchant,
            Reason::Other => match decline.class {
                Class::Buyer => Self::Soft,
                Class::Merchant => Self::Merchant,
            },
        }
    }

    /// Whether a try that ended so is one of those that a cycle has.
    #[must_use]
    pub const fn counts(self) -> bool {
        match self {
            Self::Soft | Self::Hard => true,
            Self::Merchant => false,
        }
    }
}

/// For how long a cycle is tried while the merchant's set-up is at fault. A wrong night must end
/// nobody's subscription; what nobody has mended in this time would be tried for ever.
pub const SET_UP_PATIENCE: Duration = Duration::from_hours(30 * 24);

/// The wait while the merchant's set-up is at fault, unless the longest wait is longer.
const SET_UP_WAIT: Duration = Duration::from_hours(24);

/// How often and for how long money is asked for again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dunning {
    /// The wait after the first decline; it doubles with each.
    pub first: Duration,
    /// What no wait exceeds.
    pub cap: Duration,
    /// How many tries a cycle has, the first one included.
    pub tries_max: u32,
    /// How long another card is waited for.
    pub card_grace: Duration,
}

/// What follows a decline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Another try, then.
    Again(Timestamp),
    /// None with this card; given up then, if no other one comes.
    OtherCard(Timestamp),
    /// No further try.
    GivenUp,
}

impl Dunning {
    /// What follows the decline at `now` of a cycle that was declined `declined` times, this one
    /// included where it counts, and was tried first at `since`.
    ///
    /// A wait is shortened by chance, by a quarter at most: cards that one outage had declined are
    /// not all tried again in one moment.
    #[must_use]
    pub fn verdict(
        &self,
        fault: Fault,
        (declined, since): (u32, Timestamp),
        now: Timestamp,
        chance: Chance,
    ) -> Verdict {
        match fault {
            Fault::Merchant if now >= after(since, SET_UP_PATIENCE) => Verdict::GivenUp,
            Fault::Merchant => {
                let wait = spread(self.cap.max(SET_UP_WAIT), chance);
                Verdict::Again(after(now, wait))
            }
            Fault::Soft if declined >= self.tries_max => Verdict::GivenUp,
            // Where there is but one try, another card is asked for all the same: a card that will
            // not do says nothing of the next one.
            Fault::Hard if declined >= self.tries_max.max(2) => Verdict::GivenUp,
            Fault::Hard => Verdict::OtherCard(after(now, self.card_grace)),
            Fault::Soft => {
                let doublings = declined.saturating_sub(1).min(31);
                let wait = self.first.saturating_mul(1_u32 << doublings);
                Verdict::Again(after(now, spread(wait.min(self.cap), chance)))
            }
        }
    }
}

fn spread(wait: Duration, Chance(chance): Chance) -> Duration {
    let quarter = wait.as_micros() >> 2;
    let less = quarter.saturating_mul(u128::from(chance)) >> 32;
    wait.saturating_sub(Duration::from_micros(
        u64::try_from(less).unwrap_or(u64::MAX),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;
    const NEVER: Chance = Chance(0);
    const MOST: Chance = Chance(u32::MAX);

    fn wait(fault: Fault, declined: u32, chance: Chance) -> Option<Duration> {
        match Dunning::USUAL.verdict(fault, (declined, NOW), NOW, chance) {
            Verdict::Again(at) => at.signed_duration_since(NOW).to_std().ok(),
            Verdict::OtherCard(_) | Verdict::GivenUp => None,
        }
    }

    #[test]
    fn waits_double_from_an_hour_until_the_fifth_try() {
        let hours = |declined| wait(Fault::Soft, declined, NEVER);
        for (declined, expected) in [(1, 1), (2, 2), (3, 4), (4, 8)] {
            assert_eq!(hours(declined), Some(Duration::from_hours(expected)));
        }
        for declined in [5, 6, u32::MAX] {
            assert_eq!(hours(declined), None, "{declined}");
        }
    }

    #[test]
    fn no_wait_exceeds_the_cap_and_chance_takes_a_quarter_at_most() {
        let patient = Dunning {
            tries_max: u32::MAX,
            ..Dunning::USUAL
        };
        for declined in 1..100 {
            let verdict = |chance| patient.verdict(Fault::Soft, (declined, NOW), NOW, chance);
            let drawn = |chance| match verdict(chance) {
                Verdict::Again(at) => at.signed_duration_since(NOW).to_std().unwrap(),
                Verdict::OtherCard(_) | Verdict::GivenUp => panic!("{declined}"),
            };
            let (longest, shortest) = (drawn(NEVER), drawn(MOST));
            assert!(longest <= patient.cap && shortest < longest);
            assert!(shortest >= longest.mul_f64(0.75), "{declined}");
        }
    }

    #[test]
    fn another_card_is_waited_for_and_a_set_up_is_not_counted() {
        let held = Dunning::USUAL.verdict(Fault::Hard, (1, NOW), NOW, MOST);
        let week = after(NOW, Duration::from_hours(7 * 24));
        assert_eq!(held, Verdict::OtherCard(week));
        for declined in [0, 5, u32::MAX] {
            let waited = wait(Fault::Merchant, declined, NEVER);
            assert_eq!(waited, Some(Duration::from_hours(24)));
        }
        let hasty = Dunning {
            cap: Duration::from_hours(1),
            ..Dunning::USUAL
        };
        let day = Verdict::Again(after(NOW, Duration::from_hours(24)));
        let verdict = |now| hasty.verdict(Fault::Merchant, (0, NOW), now, NEVER);
        assert_eq!(verdict(NOW), day, "no oftener, whatever the longest wait");
        assert_eq!(verdict(after(NOW, SET_UP_PATIENCE)), Verdict::GivenUp);
        let spent = Dunning::USUAL.verdict(Fault::Hard, (5, NOW), NOW, MOST);
        assert_eq!(spent, Verdict::GivenUp, "no sixth card either");
        let once = Dunning {
            tries_max: 1,
            ..Dunning::USUAL
        };
        let verdict = |fault, declined| once.verdict(fault, (declined, NOW), NOW, MOST);
        assert_eq!(verdict(Fault::Soft, 1), Verdict::GivenUp);
        assert_eq!(verdict(Fault::Hard, 1), Verdict::OtherCard(week));
        for fault in [Fault::Soft, Fault::Hard] {
            assert_eq!(verdict(fault, 2), Verdict::GivenUp, "one card more, once");
        }
        let counting = Fault::ALL.iter().filter(|fault| fault.counts()).count();
        assert_eq!(counting, 2);
    }

    #[test]
    fn every_reason_is_somebody_s_fault() {
        use Reason as R;
        let hard = [
            R::CardUnusable,
            R::WrongDetails,
            R::MethodUnsupported,
            R::AccountRefused,
            R::FraudSuspected,
        ];
        let merchant = [R::MerchantSetup, R::WrongCapture, R::BalanceChanged];
        for reason in Reason::ALL {
            for class in [Class::Buyer, Class::Merchant] {
                let fault = Fault::of(&Decline {
                    reason: *reason,
                    class,
                    code: "CODE".to_owned(),
                    message: String::new(),
                });
                let expected = if hard.contains(reason) {
                    Fault::Hard
                } else if merchant.contains(reason)
                    || (*reason == R::Other && class == Class::Merchant)
                {
                    Fault::Merchant
                } else {
                    Fault::Soft
                };
                assert_eq!(fault, expected, "{reason} {class:?}");
            }
        }
    }
}
