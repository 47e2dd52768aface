//! Owns what a batch of the feed comes to: which of it is told, and what then is done, parked, or
//! told again. Decides, and performs nothing.

use std::collections::{BTreeSet, HashSet};

use domain::change::Change;
use domain::feed::Place;
use domain::id::PaymentId;

use crate::ports::sink::{Fate, Told};
use crate::ports::store::Line;

/// Why a line is not told although nothing is wrong with it.
pub(super) const FOLLOWS: &str = "an earlier event of its payment is parked";

/// One line, and what is known of it before anybody is told.
enum Known {
    /// It has to be told.
    ToTell,
    /// It was told before, and taken.
    Taken,
    /// It is parked, whatever anybody says.
    ToPark(String),
}

/// Lines of the feed, in order.
pub(super) struct Batch {
    lines: Vec<(Place, Known)>,
    told: Vec<Told>,
}

/// What a batch came to.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The last position before which everything is done; none where the first is not.
    pub(super) done: Option<i64>,
    /// What is parked, and why.
    pub(super) parks: Vec<(Place, String)>,
    /// What is committed with it.
    pub(super) effects: Vec<Change>,
    /// What was taken, be it behind something that was not: it need not be told again.
    pub(super) taken: BTreeSet<Place>,
    /// Why the rest has to be told again.
    pub(super) unavailable: Option<String>,
}

impl Batch {
    /// Sorts lines by what is known: of the payments in `parked` nothing is told, nor of those with
    /// a line that cannot be read from there on; what is in `ahead` was taken.
    pub(super) fn new(
        lines: Vec<Line>,
        parked: &HashSet<PaymentId>,
        ahead: &BTreeSet<Place>,
    ) -> Self {
        let mut parked = parked.clone();
        let mut batch = Self {
            lines: Vec::with_capacity(lines.len()),
            told: Vec::with_capacity(lines.len()),
        };
        for Line { place, event } in lines {
            let known = match event {
                _ if parked.contains(&place.payment) => Known::ToPark(FOLLOWS.to_owned()),
                _ if ahead.contains(&place) => Known::Taken,
                Ok(event) => {
                    let position = place.position;
                    batch.told.push(Told { position, event });
                    Known::ToTell
                }
                Err(why) => {
                    parked.insert(place.payment);
                    Known::ToPark(why)
                }
            };
            batch.lines.push((place, known));
        }
        batch
    }

    /// What has to be told.
    pub(super) fn to_tell(&self) -> &[Told] {
        &self.told
    }

    /// What it comes to when whoever was told says `fates`.
    pub(super) fn judge(self, fates: Vec<Fate>) -> Verdict {
        let mut fates = fates.into_iter();
        let mut verdict = Verdict::default();
        let mut parked: HashSet<PaymentId> = HashSet::new();
        for (place, known) in self.lines {
            let fate = match known {
                Known::ToTell => fates.next().unwrap_or_else(|| {
                    Fate::Unavailable("the sink does not say what became of it".to_owned())
                }),
                Known::Taken => Fate::Delivered,
                Known::ToPark(why) => Fate::Poisoned(why),
            };
            let fate = if parked.contains(&place.payment) {
                Fate::Poisoned(FOLLOWS.to_owned())
            } else {
                fate
            };
            if matches!(fate, Fate::Poisoned(_)) {
                parked.insert(place.payment);
            }
            verdict.absorb(place, fate);
        }
        verdict
    }
}

impl Verdict {
    /// Up to the first that is unavailable everything is settled; behind it only remembered.
    fn absorb(&mut self, place: Place, fate: Fate) {
        let behind = self.unavailable.is_some();
        match fate {
            Fate::Unavailable(why) => {
                self.unavailable.get_or_insert(why);
                return;
            }
            Fate::Delivered => {
                self.taken.insert(place);
            }
            Fate::Effected(_) | Fate::Poisoned(_) if behind => {}
            Fate::Effected(changes) => self.effects.extend(changes),
            Fate::Poisoned(why) => self.parks.push((place, why)),
        }
        if !behind {
            self.done = Some(place.position);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::id::{MerchantId, RawId};
    use domain::principal::{Mode, Scope};

    fn place(position: i64, payment: u128, sequence: i64) -> Place {
        Place {
            position,
            scope: Scope {
                merchant: MerchantId::new(RawId::from_parts(1, 1)),
                mode: Mode::Test,
            },
            payment: PaymentId::new(RawId::from_parts(1, payment)),
            sequence,
        }
    }

    /// A batch in which everything is told.
    fn batch(places: &[Place]) -> Batch {
        Batch {
            lines: places.iter().map(|place| (*place, Known::ToTell)).collect(),
            told: Vec::new(),
        }
    }

    fn away() -> Fate {
        Fate::Unavailable("away".to_owned())
    }

    fn poison() -> Fate {
        Fate::Poisoned("too large".to_owned())
    }

    const DELIVERED: Fate = Fate::Delivered;

    #[test]
    fn what_was_taken_is_done() {
        let verdict = batch(&[place(4, 1, 1), place(5, 2, 1)]).judge(vec![DELIVERED, DELIVERED]);
        assert_eq!((verdict.done, verdict.unavailable), (Some(5), None));
        assert_eq!(verdict.parks, []);
    }

    #[test]
    fn an_outage_moves_to_before_it_and_parks_nothing() {
        let places = [
            place(4, 1, 1),
            place(5, 2, 1),
            place(6, 3, 1),
            place(7, 4, 1),
        ];
        let verdict = batch(&places).judge(vec![DELIVERED, away(), poison(), DELIVERED]);
        assert_eq!(verdict.done, Some(4));
        assert_eq!(verdict.unavailable.as_deref(), Some("away"));
        assert_eq!(verdict.parks, [], "it is told again, and parked then");
        assert_eq!(verdict.taken, BTreeSet::from([places[0], places[3]]));
        assert_eq!(batch(&places).judge(vec![away()]).done, None);
        assert_eq!(
            batch(&places).judge(Vec::new()).done,
            None,
            "no fate, not taken"
        );
    }

    #[test]
    fn poison_parks_its_payment_from_there_on() {
        let places = [
            place(4, 1, 1),
            place(5, 2, 1),
            place(6, 1, 2),
            place(7, 2, 2),
            place(8, 1, 3),
        ];
        let fates = vec![DELIVERED, DELIVERED, poison(), DELIVERED, DELIVERED];
        let verdict = batch(&places).judge(fates);
        assert_eq!(verdict.done, Some(8));
        let parked: Vec<i64> = verdict
            .parks
            .iter()
            .map(|(place, _)| place.position)
            .collect();
        assert_eq!(parked, [6, 8], "whatever the sink says of the second");
        assert_eq!(verdict.parks[1].1, FOLLOWS);
    }

    #[test]
    fn effects_are_committed_only_as_far_as_the_cursor_goes() {
        let places = [place(4, 1, 1), place(5, 2, 1), place(6, 3, 1)];
        let effect = |number| {
            let why = String::new();
            let raised_at = domain::Timestamp::UNIX_EPOCH;
            let epoch = domain::feed::Epoch {
                number,
                raised_at,
                why,
            };
            Change::Feed(Box::new(domain::feed::Change::RaiseEpoch(epoch)))
        };
        let effected = |number| Fate::Effected(vec![effect(number)]);
        let verdict = batch(&places).judge(vec![effected(1), away(), effected(3)]);
        assert_eq!(verdict.effects, [effect(1)]);
        assert_eq!(
            verdict.taken,
            BTreeSet::new(),
            "not taken without its effect"
        );
    }

    #[test]
    fn what_is_known_is_not_told() {
        let line = |place, why: &str| Line {
            place,
            event: Err(why.to_owned()),
        };
        let places = [place(1, 1, 1), place(2, 2, 1), place(3, 3, 1)];
        let lines = places.map(|place| line(place, "unreadable")).to_vec();
        let parked = HashSet::from([places[0].payment]);
        let batch = Batch::new(lines, &parked, &BTreeSet::from([places[1]]));
        assert_eq!(batch.to_tell(), []);
        let verdict = batch.judge(Vec::new());
        assert_eq!(verdict.done, Some(3));
        let reasons: Vec<&str> = verdict.parks.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(reasons, [FOLLOWS, "unreadable"]);
    }
}
