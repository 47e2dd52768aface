//! Owns which bus there is: Kafka where brokers are named, otherwise the one in this process.

use std::sync::Arc;

use anyhow::Context as _;
use application::consumers::{Announced, Consumer, Joined, Requested};
use application::events::SEQUENCER;
use application::ports::Bus;
use application::webhooks::READER;
use domain::lease::Job;
use domain::principal::Scope;

use super::Roles;
use crate::adapters::in_process::InProcess;
use crate::adapters::telemetry::Metrics;
use crate::config::Config;

/// The bus; it reaches nobody yet. Only who tells or is told by way of the broker has to know it.
#[cfg(feature = "kafka")]
#[expect(clippy::unnecessary_wraps, reason = "a build without Kafka may refuse")]
pub(super) fn open(
    config: &Config,
    metrics: &Arc<Metrics>,
    roles: &Roles,
) -> anyhow::Result<Arc<dyn Bus>> {
    use super::Role;
    use crate::adapters::kafka::Kafka;

    let speaks = roles.have(Role::Relay) || roles.have(Role::Worker);
    if config.kafka.brokers.is_empty() || !speaks {
        return Ok(in_process(config));
    }
    let observer = Arc::<Metrics>::clone(metrics);
    Ok(Arc::new(Kafka::new(settings(config), observer)))
}

/// The bus; a build without Kafka has no other.
#[cfg(not(feature = "kafka"))]
pub(super) fn open(config: &Config, _: &Arc<Metrics>, _: &Roles) -> anyhow::Result<Arc<dyn Bus>> {
    knows_no_brokers(config)?;
    Ok(in_process(config))
}

/// What is to be done by one copy at a time, as the settings say: rows of other jobs are left of
/// settings of before.
pub(super) fn jobs(config: &Config) -> Vec<Job> {
    let mut jobs = vec![SEQUENCER.clone(), READER.job().clone()];
    #[cfg(feature = "kafka")]
    if !config.kafka.brokers.is_empty() {
        jobs.push(crate::adapters::kafka::READER.job().clone());
    }
    #[cfg(not(feature = "kafka"))]
    let _ = config;
    jobs.sort_by(|one, other| one.as_str().cmp(other.as_str()));
    jobs
}

/// Creates the topics that do not exist, where there is a broker.
#[cfg(feature = "kafka")]
pub(super) async fn create_topics(config: &Config) -> anyhow::Result<()> {
    if config.kafka.brokers.is_empty() {
        return Ok(());
    }
    let created = crate::adapters::kafka::create_topics(&settings(config)).await;
    created.context("cannot create the topics (kafka.brokers)")
}

/// Nothing is to be created in this process.
#[cfg(not(feature = "kafka"))]
#[expect(clippy::unused_async, reason = "with Kafka it waits for a broker")]
pub(super) async fn create_topics(config: &Config) -> anyhow::Result<()> {
    knows_no_brokers(config)
}

/// Who takes what comes in; before anything is published, so that nothing passes them.
pub(super) fn joined(config: &Config, bus: &Arc<dyn Bus>) -> anyhow::Result<Vec<Joined>> {
    let consumers = consumers(config)?.into_iter();
    let joined = consumers.map(|consumer| Joined::new(Arc::clone(bus), consumer));
    Ok(joined.collect())
}

fn consumers(config: &Config) -> anyhow::Result<Vec<Arc<dyn Consumer>>> {
    let mut all: Vec<Arc<dyn Consumer>> = vec![Arc::new(Requested)];
    let kafka = &config.kafka;
    if !kafka.orders_merchant.is_empty() {
        let merchant = kafka.orders_merchant.parse();
        let mode = kafka.orders_mode.parse();
        all.push(Arc::new(Announced {
            scope: Scope {
                merchant: merchant.context("kafka.orders_merchant: no id of a merchant")?,
                mode: mode.context("kafka.orders_mode: neither test nor live")?,
            },
            amount_minor_max: config.payments.amount_minor_max,
        }));
    }
    Ok(all)
}

fn in_process(config: &Config) -> Arc<dyn Bus> {
    Arc::new(InProcess::new(config.delivery_timeout()))
}

#[cfg(feature = "kafka")]
pub(super) fn settings(config: &Config) -> crate::adapters::kafka::Settings {
    let kafka = &config.kafka;
    crate::adapters::kafka::Settings {
        brokers: kafka.brokers.clone(),
        delivery_timeout: config.delivery_timeout(),
        linger: kafka.linger.duration(),
        session_timeout: kafka.session_timeout.duration(),
        partitions: kafka.partitions,
        replication: kafka.replication,
        properties: kafka.properties.clone(),
    }
}

#[cfg(not(feature = "kafka"))]
fn knows_no_brokers(config: &Config) -> anyhow::Result<()> {
    anyhow::ensure!(
        config.kafka.brokers.is_empty(),
        "kafka.brokers: this build speaks with no broker; build it with the feature kafka"
    );
    Ok(())
}
