//! Owns how late events are: they happen at a rate, and are read as they come.

use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::{Arguments, EVENTS_EACH, Log, Reading, one};
use crate::service::Service;

/// Lets events happen at the rate, for as long as it is said; what came of them.
pub(super) async fn happen(
    service: &Service,
    reading: &mut Reading,
    arguments: &Arguments,
) -> anyhow::Result<Log> {
    let each = u32::try_from(EVENTS_EACH).context("a few")?;
    let per_second = arguments.events_per_second.checked_div(each).unwrap_or(0);
    let Some(every) = Duration::from_secs(1).checked_div(per_second) else {
        return Ok(Log::default());
    };
    let seconds = usize::try_from(arguments.seconds)?;
    let payments = usize::try_from(per_second)?.saturating_mul(seconds);
    let making = make(service.clone(), every, payments);
    // What waited to be read until all of it had happened would be late for that alone.
    let events = payments.saturating_mul(EVENTS_EACH);
    let (made, log) = tokio::join!(making, reading.until(events));
    made?;
    log
}

async fn make(service: Service, every: Duration, payments: usize) -> anyhow::Result<()> {
    let (mut ticks, mut under_way) = (interval(every), JoinSet::new());
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    for _ in 0..payments {
        ticks.tick().await;
        let service = service.clone();
        under_way.spawn(async move { one(&service).await });
    }
    while let Some(made) = under_way.join_next().await {
        made??;
    }
    Ok(())
}
