//! Owns telling the bus of events: what is published of each, and what the receipts mean.

mod command;
mod envelope;
mod member;
mod notification;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Instant;

use async_trait::async_trait;
use domain::event::PaymentEvent;
use domain::feed::{Happening, Reader};
use domain::id::PaymentId;
use domain::text::MemberId;

use envelope::Worded;
pub use notification::Code;

use crate::ports::bus::{Message, Receipt, Topic};
use crate::ports::sink::{Begin, Fate, Told};
use crate::ports::store::{self, Payments};
use crate::ports::{Bus, Sink};
use crate::trace::{self, Open, Side};

/// Longer lines of a log help nobody.
const REASON_CHARS_MAX: usize = 200;

/// Tells a bus of every event.
pub struct Relay {
    bus: Arc<dyn Bus>,
    payments: Arc<dyn Payments>,
}

/// Whose payments are told of.
type Members = HashMap<PaymentId, Result<MemberId, String>>;

/// Whose message it is, by its place among the events that are told.
#[derive(Default)]
struct Drafted {
    messages: Vec<Message>,
    owners: Vec<usize>,
}

impl Relay {
    /// Tells `bus`; who is to be notified is asked of `payments`.
    #[must_use]
    pub fn new(bus: Arc<dyn Bus>, payments: Arc<dyn Payments>) -> Self {
        Self { bus, payments }
    }

    /// The members that the events are to be told to.
    async fn members(&self, events: &[Told]) -> Result<Members, store::Error> {
        let notifying = events.iter().filter_map(|told| match told.event.as_ref() {
            Happening::Payment(event) if Code::of(event.kind).is_some() => Some(event.payment),
            Happening::Payment(_) | Happening::Member(_) => None,
        });
        let payments: HashSet<PaymentId> = notifying.collect();
        if payments.is_empty() {
            return Ok(Members::new());
        }
        let payments: Vec<PaymentId> = payments.into_iter().collect();
        let found = self.payments.members_of(&payments).await?;
        Ok(found.into_iter().collect())
    }
}

/// Everything that is published of an event.
fn messages(event: &Happening, members: &Members) -> Result<Vec<Message>, String> {
    match event {
        Happening::Payment(event) => of_payment(event, members),
        Happening::Member(event) => member::told(event).map_err(|error| error.to_string()),
    }
}

fn of_payment(event: &PaymentEvent, members: &Members) -> Result<Vec<Message>, String> {
    let why = |error: serde_json::Error| error.to_string();
    let member = match members.get(&event.payment) {
        Some(Err(why)) if Code::of(event.kind).is_some() => return Err(why.clone()),
        Some(Ok(member)) => Some(member),
        Some(Err(_)) | None => None,
    };
    let worded = Worded::new(event);
    let told = envelope::told(&worded).map_err(why)?;
    let notified = notification::told(&worded, member).map_err(why)?;
    let commanded = command::told(&worded).map_err(why)?;
    let all = [Some(told), notified, commanded];
    Ok(all.into_iter().flatten().collect())
}

/// What is published of each event, in order; or why that can never be.
fn drafted(events: &[Told], members: &Members) -> (Drafted, HashMap<usize, String>) {
    let mut drafted = Drafted::default();
    let mut unfit = HashMap::new();
    let mut passed_over = HashSet::new();
    for (place, Told { event, .. }) in events.iter().enumerate() {
        // What follows an event that cannot be told must not be told before it.
        if passed_over.contains(&event.subject()) {
            continue;
        }
        match messages(event, members) {
            Ok(messages) => {
                let owners = std::iter::repeat_n(place, messages.len());
                drafted.owners.extend(owners);
                drafted.messages.extend(messages);
            }
            Err(why) => {
                passed_over.insert(event.subject());
                unfit.insert(place, why);
            }
        }
    }
    (drafted, unfit)
}

/// What the receipts mean for the events: the worst counts, and what follows an event that was not
/// delivered is not delivered either.
fn judged(
    events: &[Told],
    unfit: HashMap<usize, String>,
    owners: Vec<usize>,
    receipts: Vec<Receipt>,
) -> Vec<Fate> {
    let mut fates = vec![Fate::Delivered; events.len()];
    let silent = Receipt::Away("the bus does not say what became of it".to_owned());
    let receipts = receipts.into_iter().chain(std::iter::repeat(silent));
    for (owner, receipt) in owners.into_iter().zip(receipts) {
        let Some(fate) = fates.get_mut(owner) else {
            continue;
        };
        match receipt {
            Receipt::Acknowledged => {}
            Receipt::Refused(why) => *fate = Fate::Poisoned(shortened(&why)),
            Receipt::Away(why) => {
                if *fate == Fate::Delivered {
                    *fate = Fate::Unavailable(shortened(&why));
                }
            }
        }
    }
    for (place, why) in unfit {
        if let Some(fate) = fates.get_mut(place) {
            *fate = Fate::Poisoned(shortened(&why));
        }
    }
    let mut stopped = HashSet::new();
    for (told, fate) in events.iter().zip(&mut fates) {
        if stopped.contains(&told.event.subject()) {
            *fate = Fate::Unavailable("an earlier event of its subject was not taken".to_owned());
        } else if *fate != Fate::Delivered {
            stopped.insert(told.event.subject());
        }
    }
    fates
}

/// Tells of the span that each event was published in, which its messages name as their parent.
fn published(events: &[Told], fates: &[Fate], began: Instant) {
    for (Told { event, .. }, fate) in events.iter().zip(fates) {
        let subject = event.subject().to_string();
        let (span, trace, topic, kind) = match event.as_ref() {
            Happening::Payment(event) => {
                let (span, kind) = (envelope::span_of(event), event.kind.as_str());
                (span, event.trace, Topic::PaymentEvents, kind)
            }
            Happening::Member(event) => {
                let span = envelope::span_of_member(event, &subject);
                (span, event.trace, Topic::BillingEvents, event.kind.as_str())
            }
        };
        let Some(span) = span else {
            continue;
        };
        let mut open = Open::under(trace, "publish", Side::Tells).named(span, began);
        open.word("messaging.destination.name", topic.as_str());
        open.word("payflow.event.kind", kind);
        open.word("payflow.event.subject", subject);
        open.number("payflow.event.sequence", event.sequence());
        if *fate != Fate::Delivered {
            open.fail();
        }
    }
}

fn shortened(why: &str) -> String {
    why.chars().take(REASON_CHARS_MAX).collect()
}

#[async_trait]
impl Sink for Relay {
    fn reader(&self) -> Reader {
        self.bus.reader()
    }

    fn begin(&self) -> Begin {
        self.bus.begin()
    }

    fn at_once(&self) -> usize {
        self.bus.at_once()
    }

    async fn deliver(&self, events: &[Told]) -> Vec<Fate> {
        let members = match self.members(events).await {
            Ok(members) => members,
            Err(error) => {
                let why = format!("members are not known: {error}");
                return vec![Fate::Unavailable(why); events.len()];
            }
        };
        let (drafted, unfit) = drafted(events, &members);
        let began = Instant::now();
        let receipts = self.bus.publish(&drafted.messages).await;
        let fates = judged(events, unfit, drafted.owners, receipts);
        if trace::is_collected() {
            published(events, &fates, began);
        }
        fates
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::relay::envelope::tests::event;
    use domain::event::Kind;

    fn told(payment: u128, sequence: i64, kind: Kind) -> Told {
        Told {
            position: sequence,
            event: Box::new(Happening::Payment(event(payment, sequence, kind))),
        }
    }

    fn payment_of(told: &Told) -> PaymentId {
        told.event.subject().payment().unwrap()
    }

    fn away() -> Receipt {
        Receipt::Away("away".to_owned())
    }

    fn delivered(fates: &[Fate]) -> Vec<bool> {
        fates.iter().map(|fate| *fate == Fate::Delivered).collect()
    }

    #[test]
    fn an_event_is_delivered_when_all_that_is_told_of_it_is() {
        let events = [told(1, 1, Kind::Approved), told(2, 1, Kind::Prepared)];
        let member: MemberId = "m-1".parse().unwrap();
        let members = Members::from([(payment_of(&events[0]), Ok(member))]);
        let (drafted, unfit) = drafted(&events, &members);
        assert_eq!(drafted.owners, [0, 0, 1]);
        let ok = Receipt::Acknowledged;
        let judge = |receipts| judged(&events, unfit.clone(), drafted.owners.clone(), receipts);
        let fates = judge(vec![ok.clone(), ok.clone(), ok.clone()]);
        assert_eq!(delivered(&fates), [true, true]);
        let fates = judge(vec![ok.clone(), away(), ok.clone()]);
        assert_eq!(delivered(&fates), [false, true]);
        let fates = judge(vec![ok.clone(), ok.clone()]);
        assert_eq!(delivered(&fates), [true, false], "no receipt, not taken");
        let refused = Receipt::Refused("too large".to_owned());
        let fates = judge(vec![away(), refused, ok]);
        assert_eq!(fates[0], Fate::Poisoned("too large".to_owned()));
    }

    #[test]
    fn what_follows_an_event_that_was_not_taken_was_not_taken() {
        let events = [
            told(1, 1, Kind::Prepared),
            told(1, 2, Kind::ApprovalRequested),
            told(2, 1, Kind::Prepared),
        ];
        let (drafted, unfit) = drafted(&events, &Members::new());
        let receipts = vec![away(), Receipt::Acknowledged, Receipt::Acknowledged];
        let fates = judged(&events, unfit, drafted.owners, receipts);
        assert_eq!(delivered(&fates), [false, false, true]);
        assert!(matches!(fates[1], Fate::Unavailable(_)));
    }

    #[test]
    fn who_is_to_be_notified_and_is_not_known_is_not_passed_over() {
        let events = [told(1, 1, Kind::Prepared), told(1, 2, Kind::Approved)];
        let members = Members::from([(payment_of(&events[0]), Err("a bad name".to_owned()))]);
        let (drafted, unfit) = drafted(&events, &members);
        assert_eq!(drafted.owners, [0], "of the first nobody is notified");
        assert_eq!(unfit, HashMap::from([(1, "a bad name".to_owned())]));
    }

    #[test]
    fn what_cannot_be_said_is_poison_and_nothing_after_it_is_published() {
        let mut events = [
            told(1, 1, Kind::Prepared),
            told(1, 2, Kind::ApprovalRequested),
            told(2, 1, Kind::Prepared),
        ];
        let Happening::Payment(first) = events[0].event.as_mut() else {
            panic!("a payment's");
        };
        first.payload = b"{\"orderId\":".to_vec();
        let (drafted, unfit) = drafted(&events, &Members::new());
        assert_eq!(drafted.owners, [2]);
        let fates = judged(&events, unfit, drafted.owners, vec![Receipt::Acknowledged]);
        assert!(matches!(fates[0], Fate::Poisoned(_)));
        assert_eq!(delivered(&fates), [false, false, true]);
    }
}
