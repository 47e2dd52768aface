//! Owns what a window promises: by example, and whatever comes back in whichever order.

#![expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use super::*;
use domain::Timestamp;
use domain::event::{Hash, Kind, PaymentEvent};
use domain::id::{MerchantId, PaymentId, RawId};
use domain::payment::PayStatus;
use domain::principal::{Actor, Mode, Scope};
use domain::trace::Trace;
use std::collections::BTreeMap;

const DELIVERED: Fate = Fate::Delivered;

fn place(position: i64, payment: u128, sequence: i64) -> Place {
    Place {
        position,
        scope: Scope {
            merchant: MerchantId::new(RawId::from_parts(1, 1)),
            mode: Mode::Test,
        },
        subject: Subject::Payment(PaymentId::new(RawId::from_parts(2, payment))),
        sequence,
    }
}

fn line(place: Place) -> Line {
    let event = PaymentEvent {
        scope: place.scope,
        payment: place.subject.payment().unwrap(),
        sequence: place.sequence,
        kind: Kind::Prepared,
        from: None,
        to: PayStatus::Ready,
        actor: Actor::Merchant,
        reason: None,
        trace: Trace::begun(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef),
        at: Timestamp::UNIX_EPOCH,
        payload: b"{}".to_vec(),
        previous: Hash::GENESIS,
        hash: Hash::GENESIS,
    };
    Line {
        place,
        event: Ok(Happening::Payment(event)),
    }
}

/// A window with these, by payment and sequence, from position 1 on.
fn window(events: &[(u128, i64)]) -> Window {
    let mut window = Window::default();
    let positions = events.iter().zip(1..);
    let places = positions.map(|((payment, sequence), at)| place(at, *payment, *sequence));
    window.add(places.map(line).collect(), &HashSet::new());
    window
}

fn positions(told: &[Told]) -> Vec<i64> {
    told.iter().map(|told| told.position).collect()
}

fn parks(verdict: &Verdict) -> Vec<i64> {
    verdict.parks.iter().map(|(at, _)| at.position).collect()
}

fn away() -> Fate {
    Fate::Unavailable("away".to_owned())
}

fn poison() -> Fate {
    Fate::Poisoned("too large".to_owned())
}

#[test]
fn what_was_taken_is_done() {
    let mut window = window(&[(1, 1), (2, 1)]);
    let told = window.tell(9);
    assert_eq!(positions(&told), [1, 2]);
    assert_eq!(window.verdict().done, None, "nobody said so yet");
    assert_eq!(window.settle(told, vec![DELIVERED, DELIVERED]), None);
    assert_eq!(window.verdict().done, Some(2));
    window.move_to(2);
    assert!(window.is_empty());
}

#[test]
fn a_later_telling_does_not_move_the_cursor_past_an_earlier_one() {
    let mut window = window(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
    let (first, second) = (window.tell(2), window.tell(2));
    assert_eq!(
        (positions(&first), positions(&second)),
        (vec![1, 2], vec![3, 4])
    );
    window.settle(second, vec![DELIVERED, DELIVERED]);
    assert_eq!(window.verdict().done, None, "the first two are under way");
    window.settle(first, vec![DELIVERED, away()]);
    assert_eq!(window.verdict().done, Some(1));
    let again = window.tell(9);
    assert_eq!(positions(&again), [2], "what was taken is not told again");
    window.settle(again, vec![DELIVERED]);
    assert_eq!(window.verdict().done, Some(4));
}

#[test]
fn of_one_payment_one_telling_is_under_way() {
    let mut window = window(&[(1, 1), (2, 1), (1, 2), (3, 1), (1, 3)]);
    let first = window.tell(2);
    assert_eq!(positions(&first), [1, 2]);
    let second = window.tell(9);
    assert_eq!(positions(&second), [4], "those of the first payment wait");
    window.settle(first, vec![away(), DELIVERED]);
    assert_eq!(positions(&window.tell(9)), [1, 3, 5], "and come after it");
}

#[test]
fn what_follows_an_event_that_was_not_taken_counts_for_nothing() {
    let mut window = window(&[(1, 1), (1, 2), (2, 1)]);
    let told = window.tell(9);
    let why = window.settle(told, vec![away(), DELIVERED, poison()]);
    assert_eq!(why.as_deref(), Some("away"));
    let verdict = window.verdict();
    assert_eq!((verdict.done, parks(&verdict)), (None, vec![]));
    assert_eq!(positions(&window.tell(9)), [1, 2]);
}

#[test]
fn no_fate_is_not_taken() {
    let mut window = window(&[(1, 1), (2, 1)]);
    let told = window.tell(9);
    assert!(window.settle(told, vec![DELIVERED]).is_some());
    assert_eq!(window.verdict().done, Some(1));
}

#[test]
fn poison_parks_its_payment_from_there_on_and_no_other() {
    let mut window = window(&[(1, 1), (2, 1), (1, 2), (2, 2), (1, 3)]);
    let told = window.tell(4);
    let why = window.settle(told, vec![DELIVERED, DELIVERED, poison(), DELIVERED]);
    assert_eq!(why, None, "that is no outage");
    let verdict = window.verdict();
    assert_eq!((verdict.done, parks(&verdict)), (Some(5), vec![3, 5]));
    assert_eq!(verdict.parks[1].1, FOLLOWS);
    assert!(window.has_parked());
    // What is read later is parked, too, before the store knows of it.
    window.move_to(5);
    window.add(
        vec![line(place(6, 1, 4)), line(place(7, 2, 3))],
        &HashSet::new(),
    );
    assert_eq!(positions(&window.tell(9)), [7]);
}

#[test]
fn what_cannot_be_read_is_parked_and_what_comes_before_is_told() {
    let mut window = Window::default();
    let unreadable = Line {
        place: place(2, 1, 2),
        event: Err("unreadable".to_owned()),
    };
    let lines = vec![line(place(1, 1, 1)), unreadable, line(place(3, 1, 3))];
    window.add(lines, &HashSet::new());
    let told = window.tell(9);
    assert_eq!(positions(&told), [1]);
    window.settle(told, vec![away()]);
    let told = window.tell(9);
    assert_eq!(
        positions(&told),
        [1],
        "it is not parked for what follows it"
    );
    window.settle(told, vec![DELIVERED]);
    let verdict = window.verdict();
    let reasons: Vec<&str> = verdict.parks.iter().map(|(_, why)| why.as_str()).collect();
    assert_eq!(reasons, ["unreadable", FOLLOWS]);
}

#[test]
fn of_a_parked_payment_nothing_is_told() {
    let mut window = Window::default();
    let lines = vec![line(place(1, 1, 4)), line(place(2, 2, 1))];
    window.add(lines, &HashSet::from([place(1, 1, 4).subject]));
    assert_eq!(positions(&window.tell(9)), [2]);
    assert_eq!(parks(&window.verdict()), [1]);
}

fn effect(number: i64) -> Change {
    let epoch = domain::feed::Epoch {
        number,
        raised_at: Timestamp::UNIX_EPOCH,
        why: String::new(),
    };
    Change::Feed(Box::new(domain::feed::Change::RaiseEpoch(epoch)))
}

#[test]
fn so_much_is_committed_at_once_and_of_one_event_all_of_it() {
    let mut window = window(&[(1, 1), (2, 1), (3, 1), (4, 1)]);
    let told = window.tell(9);
    let many = |count| Fate::Effected((1..).take(count).map(effect).collect());
    window.settle(
        told,
        vec![
            many(WRITES_MAX - 1),
            many(1),
            DELIVERED,
            many(WRITES_MAX + 1),
        ],
    );
    let first = window.verdict();
    assert_eq!((first.done, first.effects.len()), (Some(3), WRITES_MAX));
    window.move_to(3);
    let rest = window.verdict();
    assert_eq!((rest.done, rest.effects.len()), (Some(4), WRITES_MAX + 1));
}

#[test]
fn effects_are_committed_with_the_cursor_or_had_anew() {
    let effected = |number| Fate::Effected(vec![effect(number)]);
    let mut window = window(&[(1, 1), (2, 1), (3, 1)]);
    let told = window.tell(9);
    window.settle(told, vec![effected(1), away(), effected(3)]);
    assert_eq!(window.verdict().effects, [effect(1)]);
    window.drop_effects();
    assert_eq!(positions(&window.tell(9)), [1, 2, 3]);
}

#[test]
fn a_cursor_that_is_elsewhere_empties_the_window() {
    let mut there = window(&[(1, 1), (2, 1), (3, 1)]);
    there.move_to(2);
    assert_eq!((there.len(), there.end()), (1, Some(3)));
    there.move_to(0);
    assert!(there.is_empty(), "what lies between is not here");
}

/// A course of numbers that is the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 40).unwrap() % bound
    }

    fn fate(&mut self) -> Fate {
        match self.below(20) {
            0 => poison(),
            1..=4 => away(),
            _ => DELIVERED,
        }
    }
}

/// A sink that takes what it says it takes, and what was found of it.
#[derive(Default)]
struct Course {
    under_way: Vec<Vec<Told>>,
    taken: BTreeMap<Subject, i64>,
    parked: BTreeMap<Subject, i64>,
    done: i64,
}

impl Course {
    fn begin(&mut self, window: &mut Window, limit: usize) {
        let told = window.tell(limit);
        let payments = |told: &[Told]| -> HashSet<Subject> {
            told.iter().map(|told| told.event.subject()).collect()
        };
        let mine = payments(&told);
        for other in &self.under_way {
            assert!(mine.is_disjoint(&payments(other)), "two of one payment");
        }
        if !told.is_empty() {
            self.under_way.push(told);
        }
    }

    /// One of those under way is answered, as the port says.
    fn end(&mut self, window: &mut Window, dice: &mut Dice) {
        let which = dice.below(self.under_way.len());
        let told = self.under_way.swap_remove(which);
        let mut stopped = HashSet::new();
        let mut fates = Vec::new();
        for Told { event, .. } in &told {
            let fate = dice.fate();
            if fate != DELIVERED {
                stopped.insert(event.subject());
            } else if !stopped.contains(&event.subject()) {
                let last = self.taken.insert(event.subject(), event.sequence());
                assert_eq!(
                    last.unwrap_or(0) + 1,
                    event.sequence(),
                    "in order, each once"
                );
            }
            fates.push(fate);
        }
        window.settle(told, fates);
    }

    fn commit(&mut self, window: &mut Window, lines: &[(u128, i64)]) {
        let verdict = window.verdict();
        for (at, _) in &verdict.parks {
            self.parked.entry(at.subject).or_insert(at.sequence);
        }
        let Some(done) = verdict.done else { return };
        for position in self.done + 1..=done {
            let (payment, sequence) = lines[usize::try_from(position).unwrap() - 1];
            let payment = place(1, payment, 1).subject;
            let taken = self
                .taken
                .get(&payment)
                .is_some_and(|last| *last >= sequence);
            let parked = self
                .parked
                .get(&payment)
                .is_some_and(|first| *first <= sequence);
            assert!(taken != parked, "{position} is passed, taken {taken}");
        }
        self.done = done;
        window.move_to(done);
    }
}

#[test]
fn whatever_comes_back_nothing_is_passed_or_turned_round() {
    for seed in 0..2_000 {
        let mut dice = Dice(seed);
        let mut counts = [0_i64; 4];
        let lines: Vec<(u128, i64)> = (0..30)
            .map(|_| {
                let payment = dice.below(4);
                counts[payment] += 1;
                (u128::try_from(payment).unwrap(), counts[payment])
            })
            .collect();
        let (mut window, mut course, mut read) = (Window::default(), Course::default(), 0);
        while course.done < 30 {
            match dice.below(4) {
                0 if read < lines.len() => {
                    let until = lines.len().min(read + 1 + dice.below(6));
                    let more = (read..until).map(|at| {
                        let position = i64::try_from(at).unwrap() + 1;
                        line(place(position, lines[at].0, lines[at].1))
                    });
                    window.add(more.collect(), &HashSet::new());
                    read = until;
                }
                1 if course.under_way.len() < 3 => course.begin(&mut window, 1 + dice.below(4)),
                2 if !course.under_way.is_empty() => course.end(&mut window, &mut dice),
                3 => course.commit(&mut window, &lines),
                _ => {}
            }
        }
        assert!(window.is_empty(), "seed {seed}");
    }
}
