//! Owns `payflow dead-letters`: what came in and could not be dealt with, and trying it again.

use clap::Subcommand;

/// What is done about dead letters.
#[derive(Subcommand)]
pub(super) enum Action {
    /// List them: where each is, since when, and why. Of a message that was put aside more than
    /// once the last time.
    List,
    /// Show one with its headers.
    Show {
        /// Where it is, as `list` names it.
        place: String,
    },
    /// Publish one again, as it came. It stays listed; what is done already is not done again.
    Replay {
        /// Where it is, as `list` names it; none with --all.
        #[arg(required_unless_present = "all", conflicts_with = "all")]
        place: Option<String>,
        /// Every one.
        #[arg(long)]
        all: bool,
    },
}

#[cfg(not(feature = "kafka"))]
#[expect(clippy::unused_async, reason = "with Kafka it waits for a broker")]
pub(super) async fn run(_: &crate::config::Config, _: Action) -> anyhow::Result<String> {
    anyhow::bail!("this build speaks with no broker; build it with the feature kafka")
}

#[cfg(feature = "kafka")]
pub(super) use on_kafka::run;

#[cfg(feature = "kafka")]
mod on_kafka {
    use std::borrow::Cow;
    use std::fmt::Write as _;
    use std::sync::Arc;

    use anyhow::Context as _;
    use application::consumers::{as_it_came, newest, noted};
    use application::ports::bus::{Receipt, Received, Topic};

    use super::super::bus::{open, settings};
    use super::Action;
    use crate::adapters::kafka::kept;
    use crate::adapters::telemetry::Metrics;
    use crate::config::Config;

    pub(in super::super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
        anyhow::ensure!(
            !config.kafka.brokers.is_empty(),
            "kafka.brokers: there is no broker, and without one nothing is put aside"
        );
        let mut letters = Vec::new();
        for topic in Topic::ALL.iter().filter_map(|topic| topic.dead_letters()) {
            let found = kept(&settings(config), topic).await;
            letters.extend(found.with_context(|| format!("cannot read {topic}"))?);
        }
        match action {
            Action::List => Ok(listed(&newest(letters))),
            Action::Show { place } => shown(named(&letters, &place)?),
            Action::Replay {
                place: Some(place), ..
            } => replayed(config, &[named(&letters, &place)?.clone()]).await,
            Action::Replay { place: None, .. } => replayed(config, &newest(letters)).await,
        }
    }

    fn named<'l>(letters: &'l [Received], place: &str) -> anyhow::Result<&'l Received> {
        let mut found = letters.iter().filter(|letter| letter.place == place);
        let found = found.next();
        found.with_context(|| format!("there is no dead letter {place}"))
    }

    fn listed(letters: &[Received]) -> String {
        let line = |letter: &Received| {
            let (at, why) = (noted(letter, "at"), noted(letter, "reason"));
            format!("{}  {at}  {why}", letter.place)
        };
        let lines: Vec<String> = letters.iter().map(line).collect();
        lines.join("\n")
    }

    fn shown(letter: &Received) -> anyhow::Result<String> {
        let mut text = String::new();
        writeln!(text, "key: {}", legible(letter.key.as_deref()))?;
        for (name, value) in &letter.headers {
            writeln!(text, "{name}: {}", legible(value.as_deref()))?;
        }
        write!(text, "\n{}", String::from_utf8_lossy(&letter.payload))?;
        Ok(text)
    }

    /// What is missing looks other than what is empty.
    fn legible(bytes: Option<&[u8]>) -> Cow<'_, str> {
        bytes.map_or(Cow::Borrowed("(none)"), String::from_utf8_lossy)
    }

    async fn replayed(config: &Config, letters: &[Received]) -> anyhow::Result<String> {
        let bus = open(config, &Arc::new(Metrics::new()?))?;
        let mut left = Vec::new();
        for letter in letters {
            let Some(message) = as_it_came(letter) else {
                let place = noted(letter, "place");
                left.push(format!("{}: only at {place} it is whole", letter.place));
                continue;
            };
            match bus.publish(&[message]).await.first() {
                Some(Receipt::Acknowledged) => {}
                Some(Receipt::Refused(why) | Receipt::Away(why)) => {
                    anyhow::bail!("{} is not published again: {why}", letter.place)
                }
                None => anyhow::bail!("{} is not published again", letter.place),
            }
        }
        let count = letters.len().saturating_sub(left.len());
        left.push(format!("{count} published again"));
        Ok(left.join("\n"))
    }
}
