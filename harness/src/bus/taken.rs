//! Owns waiting until the broker has taken what happened, without reading any of it.

use std::time::Duration;

use anyhow::bail;
use tokio::time::{Instant, sleep};

use crate::service::Service;

/// Counts what the broker acknowledged.
const METRIC: &str = "payflow_bus_messages_total{result=\"acknowledged\"";
const POLL: Duration = Duration::from_millis(100);
/// How long nothing may be added.
const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until so many messages were acknowledged. A reader would take the processors from those
/// who are measured; the producer that they are measured by has none beside it either.
pub(super) async fn until(service: &Service, count: usize) -> anyhow::Result<()> {
    let (mut last, mut added_at) = (0, Instant::now());
    loop {
        let taken = usize::try_from(service.metric(METRIC).await?)?;
        if taken >= count {
            return Ok(());
        }
        if taken > last {
            (last, added_at) = (taken, Instant::now());
        }
        if added_at.elapsed() >= PATIENCE {
            bail!("the broker took {taken} of {count} events, and no more");
        }
        sleep(POLL).await;
    }
}
