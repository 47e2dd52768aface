//! Owns the figures of a load: what one round measured, and the median round of all.

use std::time::Duration;

use serde::Serialize;

use super::Scenario;
use crate::output;
use crate::stats::{Samples, median, per_mille, show_milliseconds, show_tenths, tenths_per_second};
use crate::usage::Usage;

/// What one round measured.
pub(super) struct Round {
    pub(super) took: Duration,
    pub(super) total: Samples,
    pub(super) own: Samples,
    pub(super) cpu_microseconds: Option<u64>,
    pub(super) usage: Option<Usage>,
}

impl Round {
    /// What all but the slowest hundredth did not exceed, in microseconds.
    pub(super) fn p99(&self) -> Option<u64> {
        self.total.percentile(990)
    }

    pub(super) fn tenths_per_second(&self) -> u64 {
        tenths_per_second(self.total.count(), self.took)
    }

    /// For people.
    pub(super) fn line(&self) -> String {
        let at = |per_mille| show_milliseconds(self.total.percentile(per_mille).unwrap_or(0));
        let rate = show_tenths(self.tenths_per_second());
        format!(
            "{rate}/s, p50 {}, p95 {}, p99 {}",
            at(500),
            at(950),
            at(990)
        )
    }
}

/// The figures of the median round; times in microseconds, memory in KiB.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    scenario: String,
    clients: usize,
    rounds: usize,
    requests: usize,
    per_second_tenths: u64,
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
    own_p50: Option<u64>,
    own_p99: Option<u64>,
    cpu_each: Option<u64>,
    resident_kib: Option<u64>,
    resident_kib_max: Option<u64>,
    pgbench_per_second_tenths: Option<u64>,
    pgbench_ratio_per_mille: Option<u64>,
}

impl Figures {
    /// The figures of the round with the median rate, beside the median of `compared`.
    pub(super) fn of(
        scenario: Scenario,
        clients: usize,
        rounds: Vec<Round>,
        compared: &[u64],
    ) -> Option<Self> {
        let rates: Vec<u64> = rounds.iter().map(Round::tenths_per_second).collect();
        let rate = median(&rates)?;
        let count = rounds.len();
        let round = rounds
            .into_iter()
            .find(|round| round.tenths_per_second() == rate)?;
        let pgbench = median(compared);
        let requests = u64::try_from(round.total.count()).ok()?;
        Some(Self {
            scenario: format!("{scenario:?}").to_lowercase(),
            clients,
            rounds: count,
            requests: round.total.count(),
            per_second_tenths: rate,
            p50: round.total.percentile(500),
            p95: round.total.percentile(950),
            p99: round.total.percentile(990),
            own_p50: round.own.percentile(500),
            own_p99: round.own.percentile(990),
            cpu_each: round
                .cpu_microseconds
                .and_then(|cpu| cpu.checked_div(requests)),
            resident_kib: round.usage.map(|usage| usage.resident_kib),
            resident_kib_max: round.usage.map(|usage| usage.resident_kib_max),
            pgbench_per_second_tenths: pgbench,
            pgbench_ratio_per_mille: pgbench.map(|pgbench| per_mille(rate, pgbench)),
        })
    }

    /// A table for people, then one line of JSON.
    pub(super) fn print(&self) {
        let time = |time: Option<u64>| time.map_or("-".to_owned(), show_milliseconds);
        let kib =
            |kib: Option<u64>| kib.map_or("-".to_owned(), |kib| format!("{} MiB", kib / 1024));
        let rate = |rate: Option<u64>| rate.map_or("-".to_owned(), show_tenths);
        let ratio = self
            .pgbench_ratio_per_mille
            .map_or("-".to_owned(), |ratio| {
                format!("{}.{:03}", ratio / 1000, ratio % 1000)
            });
        let rows = [
            ("scenario", self.scenario.clone()),
            ("clients", self.clients.to_string()),
            ("requests", self.requests.to_string()),
            ("per second", show_tenths(self.per_second_tenths)),
            ("p50", time(self.p50)),
            ("p95", time(self.p95)),
            ("p99", time(self.p99)),
            ("own time p50", time(self.own_p50)),
            ("own time p99", time(self.own_p99)),
            ("processor time each", time(self.cpu_each)),
            ("memory", kib(self.resident_kib)),
            ("memory at most", kib(self.resident_kib_max)),
            ("pgbench per second", rate(self.pgbench_per_second_tenths)),
            ("ratio to pgbench", ratio),
        ];
        for (name, value) in rows {
            output::say(&format!("{name:<20} {value:>14}"));
        }
        output::print_json(self);
    }
}
