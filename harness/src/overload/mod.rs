//! Owns overload: more approvals arrive than can be done. Whoever is refused learns it at once,
//! as much is done as without the crowd, and soon after all is as it was before.

mod arrivals;
mod seconds;

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;

use crate::check;
use crate::load;
use crate::output;
use crate::stand::{Parts, Stand};
use crate::stats;
use arrivals::{Arrivals, Span};
use seconds::Timeline;

/// How long the peak is measured.
const PEAK: Duration = Duration::from_secs(4);
/// Seconds of ordinary load before the crowd.
const BEFORE: u64 = 5;
/// Seconds of ordinary load after it.
const AFTER: u64 = 25;
/// More at once gain nothing.
const CLIENTS_MAX: usize = 64;
/// How much of the peak is done for a crowd, in thousandths (`R29`).
const GOODPUT_MIN: u64 = 800;
/// How soon all is as before, in seconds.
const RECOVERY_MAX: u64 = 10;
/// How soon a refusal is told.
const REFUSAL_MAX: Duration = Duration::from_millis(100);
/// Where one in a hundred is sent later than this, no such crowd came: nothing is measured.
const LAG_MAX: Duration = Duration::from_secs(1);
const SETTLE: Duration = Duration::from_mins(2);
/// So many of the wrong answers are shown.
const SHOWN: usize = 5;

/// Has many times the approvals arrive that can be done, and measures what becomes of them.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    parts: Parts,
    /// How many times the peak arrives.
    #[arg(long, default_value_t = 3)]
    times: u64,
    /// How long the crowd comes.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// How long the gateway takes for each call.
    #[arg(long, default_value_t = 200)]
    latency_ms: u64,
    /// How many calls the gateway may have at once: few, and it is what there is too little of;
    /// many, and the machine is.
    #[arg(long, default_value_t = 20)]
    calls_max: usize,
    /// Whether the rates are judged, too: on an optimised build and a quiet machine.
    #[arg(long)]
    judge_rates: bool,
}

/// What came of it; times in microseconds.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    what: &'static str,
    database: &'static str,
    calls_max: usize,
    peak_per_second_tenths: u64,
    arrived: usize,
    refused: usize,
    promised: usize,
    goodput_per_second_tenths: u64,
    goodput_per_mille: u64,
    goal_goodput_per_mille: u64,
    refusal_p50: Option<u64>,
    refusal_p99: Option<u64>,
    goal_refusal_p99: u128,
    p99_before: Option<u64>,
    p99_crowded: Option<u64>,
    recovered_after_seconds: Option<u64>,
    goal_recovered_after_seconds: u64,
    /// How long after it was due a request was sent.
    lag_p50: u64,
    lag_p99: u64,
    lag_max: u64,
    /// Whether the crowd did not come as it should have: then nothing of this was measured.
    void: bool,
    goals_met: bool,
    unexplained: u64,
    breaches: Vec<String>,
}

/// Measures; whether nothing was wrong, and the goals were met where they are judged.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let calls = arguments.calls_max.to_string();
    let settings = [("PAYFLOW_TOSS__CALLS_MAX", calls.as_str())];
    let latency = Duration::from_millis(arguments.latency_ms);
    let mut stand = Stand::build(&arguments.parts, &settings, latency).await?;
    let service = stand.start().await?;
    let clients = arguments.calls_max.min(CLIENTS_MAX);
    let peak = load::peak(&service, &stand.sandbox, clients, PEAK).await?;
    output::say(&format!(
        "peak {}/s",
        stats::show_tenths(peak.per_second_tenths)
    ));
    let spans = spans(arguments, peak.per_second_tenths);
    let stock = load::stock(&service, &stand.sandbox, wanted(&spans, arguments.times)).await?;
    let timeline = Arrivals::new(&service, stock).play(&spans).await?;
    let findings = check::run(&stand.target(), &stand.sandbox, SETTLE).await?;

    let mut breaches = timeline.wrong(SHOWN);
    breaches.extend(findings.sayings());
    if findings.settled.is_none() {
        breaches.push("sagas are still open".to_owned());
    }
    let figures = figures(arguments, peak.per_second_tenths, &timeline, breaches)?;
    let figures = Figures {
        unexplained: findings.unexplained,
        ..figures
    };
    if output::breaches(&figures.breaches) {
        output::say(&stand.tail());
    }
    if figures.void {
        let lag = stats::show_milliseconds(figures.lag_p99);
        output::say(&format!("VOID: the crowd itself came late, p99 {lag}"));
    }
    output::print_json(&figures);
    stand.dismantle().await?;
    let met = figures.goals_met || !arguments.judge_rates;
    Ok(figures.breaches.is_empty() && !figures.void && met)
}

/// Half of the peak, the crowd, and half of it again.
fn spans(arguments: &Arguments, peak_tenths: u64) -> [Span; 3] {
    let usual = (peak_tenths / 20).max(1);
    let crowd = (peak_tenths.saturating_mul(arguments.times) / 10).max(1);
    [
        Span::new(BEFORE, usual),
        Span::new(arguments.seconds, crowd),
        Span::new(AFTER, usual),
    ]
}

/// More cannot be under way: beyond, the service refuses.
const UNDER_WAY_MAX: u64 = 2_500;

/// Enough payments: who is refused comes again, so that a crowd needs twice what can be approved of
/// it, and what is under way.
fn wanted(spans: &[Span; 3], times: u64) -> usize {
    let [before, crowd, after] = spans.map(|span| span.arrivals());
    let approved = crowd.saturating_mul(2).checked_div(times);
    let enough = approved.unwrap_or(crowd).saturating_add(UNDER_WAY_MAX);
    let all = before
        .saturating_add(after)
        .saturating_add(enough.min(crowd));
    usize::try_from(all).unwrap_or(usize::MAX)
}

fn figures(
    arguments: &Arguments,
    peak: u64,
    timeline: &Timeline,
    breaches: Vec<String>,
) -> anyhow::Result<Figures> {
    let crowd = BEFORE..BEFORE.saturating_add(arguments.seconds);
    let before = timeline.within(0..BEFORE);
    let crowded = timeline.within(crowd.clone());
    let after = timeline.within(crowd.end..crowd.end.saturating_add(AFTER));
    ensure!(
        before.good.count() > 0,
        "nothing was approved before the crowd came"
    );
    let answered = timeline.approved_within(crowd.clone());
    let length = Duration::from_secs(arguments.seconds);
    let goodput = stats::tenths_per_second(answered, length);
    let usual = before.good.percentile(990).context("nothing before")?;
    let recovered = timeline.recovered(crowd.end, usual);
    // A machine that does other things meanwhile may be slower, or faster, for its own reasons.
    if crowded.refused.count() == 0 || recovered.is_none() {
        output::say(&format!("crowded: {crowded}; {AFTER} s after: {after}"));
    }
    let refusal = crowded.refused.percentile(990);
    let ratio = stats::per_mille(goodput, peak);
    let quick = refusal.is_some_and(|p99| u128::from(p99) <= REFUSAL_MAX.as_micros());
    let crowd_came = crowded.refused.count() > 0;
    let soon = recovered.is_some_and(|seconds| seconds <= RECOVERY_MAX);
    Ok(Figures {
        what: "overload",
        database: arguments.parts.database_kind(),
        calls_max: arguments.calls_max,
        peak_per_second_tenths: peak,
        arrived: crowded.count(),
        refused: crowded.refused.count(),
        promised: crowded.promised,
        goodput_per_second_tenths: goodput,
        goodput_per_mille: ratio,
        goal_goodput_per_mille: GOODPUT_MIN,
        refusal_p50: crowded.refused.percentile(500),
        refusal_p99: refusal,
        goal_refusal_p99: REFUSAL_MAX.as_micros(),
        p99_before: Some(usual),
        p99_crowded: crowded.good.percentile(990),
        recovered_after_seconds: recovered,
        goal_recovered_after_seconds: RECOVERY_MAX,
        lag_p50: timeline.lag(500),
        lag_p99: timeline.lag(990),
        lag_max: timeline.lag(1000),
        void: u128::from(timeline.lag(990)) > LAG_MAX.as_micros(),
        goals_met: crowd_came && ratio >= GOODPUT_MIN && quick && soon,
        unexplained: 0,
        breaches,
    })
}
