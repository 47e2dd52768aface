//! Owns the list of what is measured: every metric is registered here, and described for the page
//! of metrics by what was registered.

use std::cell::RefCell;

use prometheus::core::Collector;
use prometheus::{
    Gauge, GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

/// From half a millisecond to the gateway's own bound.
pub(super) const BUCKETS: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0,
    60.0,
];

/// A metric as it is documented.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// Its name; a histogram's without `_bucket`, `_sum` and `_count`.
    pub name: String,
    /// `counter`, `gauge` or `histogram`.
    pub sort: &'static str,
    /// The names of its labels, sorted.
    pub labels: Vec<String>,
    /// What it counts.
    pub help: String,
}

/// What a kind of collector is called where metrics are described.
pub(super) trait Sort: Collector + Clone + 'static {
    const SORT: &'static str;
}

macro_rules! sorts {
    ($($collector:ty => $word:literal),+ $(,)?) => {
        $(impl Sort for $collector {
            const SORT: &'static str = $word;
        })+
    };
}

sorts! {
    IntCounterVec => "counter",
    IntGauge => "gauge",
    IntGaugeVec => "gauge",
    Gauge => "gauge",
    GaugeVec => "gauge",
    HistogramVec => "histogram",
}

/// Every metric, registered and described.
pub(super) struct Book {
    registry: Registry,
    described: RefCell<Vec<Described>>,
}

impl Book {
    /// With what the operating system knows of this process, where it tells.
    pub(super) fn with_process() -> Result<Self, prometheus::Error> {
        let registry = Registry::new();
        #[cfg(target_os = "linux")]
        registry.register(Box::new(
            prometheus::process_collector::ProcessCollector::for_self(),
        ))?;
        Ok(Self {
            registry,
            described: RefCell::default(),
        })
    }

    /// What is scraped, and what is documented, by name.
    pub(super) fn close(self) -> (Registry, Vec<Described>) {
        let mut described = self.described.into_inner();
        described.sort_by(|one, other| one.name.cmp(&other.name));
        (self.registry, described)
    }

    /// A counter with these labels.
    pub(super) fn counter(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntCounterVec, prometheus::Error> {
        registered(self, IntCounterVec::new(Opts::new(name, help), labels)?)
    }

    /// A histogram of seconds with these labels.
    pub(super) fn histogram(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<HistogramVec, prometheus::Error> {
        let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
        registered(self, HistogramVec::new(options, labels)?)
    }

    /// A gauge of whole numbers with these labels.
    pub(super) fn gauges(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<IntGaugeVec, prometheus::Error> {
        registered(self, IntGaugeVec::new(Opts::new(name, help), labels)?)
    }
}

/// Registers and describes it.
pub(super) fn registered<C: Sort>(book: &Book, collector: C) -> Result<C, prometheus::Error> {
    book.registry.register(Box::new(collector.clone()))?;
    let lines = collector.desc().into_iter().map(|line| {
        let mut labels = line.variable_labels.clone();
        labels.sort();
        Described {
            name: line.fq_name.clone(),
            sort: C::SORT,
            labels,
            help: line.help.clone(),
        }
    });
    book.described.borrow_mut().extend(lines);
    Ok(collector)
}

/// Has a series for each of these values from the start: a counter that appears with its first step
/// shows no step.
pub(super) fn begun(counter: &IntCounterVec, rows: impl IntoIterator<Item = impl AsRef<[String]>>) {
    for row in rows {
        let values: Vec<&str> = row.as_ref().iter().map(String::as_str).collect();
        counter.with_label_values(&values).inc_by(0);
    }
}

/// As rows of one value each, in lower case.
pub(super) fn lower<'w>(words: impl IntoIterator<Item = &'w str>) -> Vec<[String; 1]> {
    words
        .into_iter()
        .map(|word| [word.to_lowercase()])
        .collect()
}
