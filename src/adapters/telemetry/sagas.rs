//! Owns what operators see of money: how sagas end, how long outcomes stay unknown, what has to be
//! given back, and which way payments go.

use std::time::Duration;

use application::ports::Store;
use application::stuck_since;
use domain::Timestamp;
use domain::change::Change;
use domain::decline::Class;
use domain::event::PaymentEvent;
use domain::payment::{self, Payment};
use domain::saga::{Kind, Outcome, Phase, Saga};
use prometheus::{GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts};

use super::book::{Book, begun, registered};

/// From a second to the hour after which a person has long been told.
const RESOLVED_WITHIN: &[f64] = &[
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0,
];
/// What a payment came from that was not there before.
const NONE: &str = "NONE";
/// Of a result that is no decline.
const NO_CLASS: &str = "none";
const CLASSES: [Class; 2] = [Class::Buyer, Class::Merchant];

/// The metrics of sagas and of the payments they move.
pub(in crate::adapters) struct Sagas {
    approvals: IntCounterVec,
    charges: IntCounterVec,
    accounts: IntCounterVec,
    cancellations: IntCounterVec,
    reversals: IntCounterVec,
    compensation: IntCounterVec,
    unknown: IntCounterVec,
    resolution_seconds: HistogramVec,
    transitions: IntCounterVec,
    events: IntCounterVec,
    open: IntGaugeVec,
    stuck: IntGaugeVec,
    oldest_seconds: GaugeVec,
}

impl Sagas {
    pub(super) fn registered(book: &Book) -> Result<Self, prometheus::Error> {
        let ended = |name, help, well: &[&str]| {
            let counter = book.counter(name, help, &["result", "class"])?;
            let well = well
                .iter()
                .map(|result| [(*result).to_owned(), NO_CLASS.to_owned()]);
            let declined = CLASSES.map(|class| ["declined".to_owned(), word(class)]);
            begun(&counter, well.chain(declined));
            Ok::<_, prometheus::Error>(counter)
        };
        let taken = ["approved", "misfit"];
        let all = |name, help| book.gauges(name, help, &["kind", "phase"]);
        let unknown = book.counter(
            "payflow_unknown_outcomes_total",
            "Calls that left it unknown whether money moved",
            &["kind"],
        )?;
        begun(&unknown, Kind::ALL.map(|kind| [kind.as_str().to_owned()]));
        Ok(Self {
            approvals: ended("payflow_approvals_total", "Approvals that ended", &taken)?,
            charges: ended("payflow_charges_total", "Charges that ended", &taken)?,
            accounts: ended(
                "payflow_accounts_total",
                "Issues and closings of accounts that ended",
                &["issued", "closed", "misfit"],
            )?,
            cancellations: ended(
                "payflow_cancellations_total",
                "Cancellations that ended",
                &["canceled"],
            )?,
            reversals: ended(
                "payflow_reversals_total",
                "Reversals of wrong captures that ended",
                &["reversed"],
            )?,
            compensation: compensation(book)?,
            unknown,
            resolution_seconds: resolution(book)?,
            transitions: book.counter(
                "payflow_payment_transitions_total",
                "Payments that went from one status to another",
                &["from", "to"],
            )?,
            events: book.counter(
                "payflow_events_total",
                "Events that happened to payments",
                &["type"],
            )?,
            open: all("payflow_sagas_open", "Sagas that are not over")?,
            stuck: all("payflow_sagas_stuck", "Sagas open past timings.stuck_after")?,
            oldest_seconds: registered(book, oldest_ages()?)?,
        })
    }

    /// Counts what was committed together.
    pub(in crate::adapters) fn committed(&self, changes: &[Change]) {
        let mut latest = None;
        for change in changes {
            if let Change::AppendEvent(event) = change {
                self.happened(event);
                latest = latest.max(Some(event.at));
            }
        }
        for change in changes {
            if let Change::UpdateSaga { saga, .. } = change {
                self.moved(saga, latest);
            }
            if let Change::InsertSaga { saga, .. } = change
                && saga.head.kind() == Kind::Reversal
            {
                self.compensated(saga, changes);
            }
        }
    }

    fn happened(&self, event: &PaymentEvent) {
        self.events.with_label_values(&[event.kind.as_str()]).inc();
        if event.from != Some(event.to) {
            let from = event.from.map_or(NONE, payment::PayStatus::as_str);
            let labels = [from, event.to.as_str()];
            self.transitions.with_label_values(&labels).inc();
        }
    }

    fn moved(&self, saga: &Saga, latest: Option<Timestamp>) {
        let (kind, progress) = (saga.head.kind(), &saga.progress);
        let Some(outcome) = &progress.outcome else {
            // The first question is still to be asked: the call before it has just been given up.
            if progress.phase == Phase::Ask && progress.asked_at.is_none() {
                self.unknown.with_label_values(&[kind.as_str()]).inc();
            }
            return;
        };
        let counter = match kind {
            Kind::Approval => &self.approvals,
            Kind::Cancellation => &self.cancellations,
            Kind::Charge => &self.charges,
            Kind::AccountIssue | Kind::AccountClose => &self.accounts,
            Kind::Reversal => &self.reversals,
        };
        let (result, class) = result_of(outcome);
        counter.with_label_values(&[result, &class]).inc();
        if let Some(asked) = progress.asked_at {
            let known = latest.map_or(asked, |latest| latest.max(asked));
            let took = seconds(known, saga.head.created_at);
            let resolved = self.resolution_seconds.with_label_values(&[kind.as_str()]);
            resolved.observe(took);
        }
    }

    /// A reversal was opened: the payment in the same commit tells what was wrong.
    fn compensated(&self, reversal: &Saga, changes: &[Change]) {
        let payment = changes.iter().find_map(|change| {
            let Change::UpdatePayment { payment, .. } = change else {
                return None;
            };
            (payment.facts.id == reversal.head.payment).then_some(payment)
        });
        let Some(payment) = payment else { return };
        let labels = [
            payment.facts.kind.as_str(),
            cause(payment, reversal).as_str(),
        ];
        self.compensation.with_label_values(&labels).inc();
    }

    /// Looks at the store.
    pub(super) async fn count(&self, store: &dyn Store, now: Timestamp, stuck_after: Duration) {
        let open = match store.open_sagas(stuck_since(now, stuck_after)).await {
            Ok(open) => open,
            Err(error) => {
                tracing::warn!(%error, "open sagas not counted");
                return;
            }
        };
        // Kinds and phases without a saga must fall to zero, not keep their last count.
        for kind in Kind::ALL {
            for phase in [Phase::Call, Phase::Ask] {
                let labels = [kind.as_str(), phase.as_str()];
                self.open.with_label_values(&labels).set(0);
                self.stuck.with_label_values(&labels).set(0);
                self.oldest_seconds.with_label_values(&labels).set(0.0);
            }
        }
        for sagas in open {
            let labels = [sagas.kind.as_str(), sagas.phase.as_str()];
            let count = i64::try_from(sagas.count).unwrap_or(i64::MAX);
            self.open.with_label_values(&labels).set(count);
            let stuck = i64::try_from(sagas.stuck).unwrap_or(i64::MAX);
            self.stuck.with_label_values(&labels).set(stuck);
            let age = self.oldest_seconds.with_label_values(&labels);
            age.set(seconds(now, sagas.oldest));
        }
    }
}

/// Why money has to be given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cause {
    /// Another amount was captured than was asked for.
    Amount,
    /// The payment held its money already.
    SecondCapture,
    /// The payment waits for no money any more, or not for this.
    Closed,
}

impl Cause {
    const ALL: [Self; 3] = [Self::Amount, Self::SecondCapture, Self::Closed];

    const fn as_str(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::SecondCapture => "second_capture",
            Self::Closed => "closed",
        }
    }
}

fn cause(payment: &Payment, reversal: &Saga) -> Cause {
    if reversal.head.amount != payment.facts.amount {
        Cause::Amount
    } else if payment.captured.is_zero() {
        Cause::Closed
    } else {
        Cause::SecondCapture
    }
}

fn compensation(book: &Book) -> Result<IntCounterVec, prometheus::Error> {
    let counter = book.counter(
        "payflow_compensation_total",
        "Captures that should not have happened, and are given back, by kind of payment",
        &["kind", "cause"],
    )?;
    let all = payment::Kind::ALL.into_iter().flat_map(|kind| {
        Cause::ALL.map(|cause| [kind.as_str().to_owned(), cause.as_str().to_owned()])
    });
    begun(&counter, all);
    Ok(counter)
}

fn resolution(book: &Book) -> Result<HistogramVec, prometheus::Error> {
    let options = HistogramOpts::new(
        "payflow_unknown_resolution_seconds",
        "Time from the intent to a known outcome, of sagas whose gateway had to be asked",
    );
    let options = options.buckets(RESOLVED_WITHIN.to_vec());
    let resolution = registered(book, HistogramVec::new(options, &["kind"])?)?;
    for kind in Kind::ALL {
        let _ = resolution.with_label_values(&[kind.as_str()]);
    }
    Ok(resolution)
}

fn oldest_ages() -> Result<GaugeVec, prometheus::Error> {
    let options = Opts::new(
        "payflow_saga_oldest_age_seconds",
        "Age of the oldest open saga",
    );
    GaugeVec::new(options, &["kind", "phase"])
}

fn word(class: Class) -> String {
    class.as_str().to_lowercase()
}

fn result_of(outcome: &Outcome) -> (&'static str, String) {
    let result = match outcome {
        Outcome::Approved => "approved",
        Outcome::Declined(decline) => return ("declined", word(decline.class)),
        Outcome::Misfit { .. } => "misfit",
        Outcome::Reversed => "reversed",
        Outcome::Canceled => "canceled",
        Outcome::Issued => "issued",
        Outcome::Closed => "closed",
    };
    (result, NO_CLASS.to_owned())
}

fn seconds(now: Timestamp, since: Timestamp) -> f64 {
    let age = now.signed_duration_since(since);
    age.to_std().unwrap_or_default().as_secs_f64()
}
