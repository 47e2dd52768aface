//! Owns a producer that does nothing else: the same bytes, as fast as the library sends them.

use std::time::Duration;

use anyhow::anyhow;
use rdkafka::ClientConfig;
use rdkafka::message::Message as _;
use rdkafka::producer::{FutureProducer, FutureRecord};
use tokio::time::Instant;

use super::reading::Log;
use crate::stats;

const TOPIC: &str = "harness.bare";
/// One message first: the connection and the topic are made with it.
const WARM: &[u8] = b"warm";

/// It takes a moment only, and moments differ: so often it is measured.
const RUNS: usize = 5;

/// Messages per second, all acknowledged: the median of some runs.
pub(crate) async fn per_second(address: &str, log: &Log) -> anyhow::Result<u64> {
    let producer: FutureProducer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .set("enable.idempotence", "true")
        .set("acks", "all")
        .set("linger.ms", "5")
        .set("compression.type", "lz4")
        .create()?;
    let warm = FutureRecord::to(TOPIC).key(WARM).payload(WARM);
    let warmed = producer.send(warm, Duration::from_secs(20)).await;
    warmed.map_err(|(error, _)| error)?;
    let mut rates = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        rates.push(rate(&producer, log).await?);
    }
    Ok(stats::median(&rates).unwrap_or(0))
}

/// Messages per second of one run.
async fn rate(producer: &FutureProducer, log: &Log) -> anyhow::Result<u64> {
    let begun = Instant::now();
    let mut under_way = Vec::with_capacity(log.messages.len());
    for message in &log.messages {
        let record = FutureRecord::to(TOPIC)
            .key(message.key().unwrap_or_default())
            .payload(message.payload().unwrap_or_default())
            .headers(Log::headers(message));
        let sent = producer.send_result(record);
        under_way.push(sent.map_err(|(error, _)| anyhow!(error))?);
    }
    for sent in under_way {
        sent.await?.map_err(|(error, _)| error)?;
    }
    let count = u64::try_from(log.messages.len())?;
    let microseconds = u64::try_from(begun.elapsed().as_micros())?.max(1);
    Ok(count
        .saturating_mul(1_000_000)
        .checked_div(microseconds)
        .unwrap_or(0))
}
