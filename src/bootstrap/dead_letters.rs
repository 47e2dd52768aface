//! Owns `payflow dead-letters`: what came in and could not be dealt with, and trying it again.

use clap::Subcommand;

/// What is done about dead letters.
#[derive(Subcommand)]
pub(super) enum Action {
    /// List them: where each is, since when, and why. Of a message that was put aside more than
    /// once the last time.
    List {
        /// How many at most; where there are more, the last line says how to go on.
        #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
        limit: u32,
        /// Only those behind this place.
        #[arg(long, value_name = "PLACE")]
        after: Option<String>,
    },
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
    use std::collections::BTreeMap;
    use std::fmt::Write as _;
    use std::sync::Arc;

    use anyhow::Context as _;
    use application::consumers::{Newest, as_it_came, noted};
    use application::ports::Bus;
    use application::ports::bus::{Receipt, Received, Topic};

    use super::super::Roles;
    use super::super::bus::{open, settings};
    use super::Action;
    use crate::adapters::kafka::{Letters, Spot};
    use crate::adapters::telemetry::Metrics;
    use crate::config::Config;

    pub(in super::super) async fn run(config: &Config, action: Action) -> anyhow::Result<String> {
        anyhow::ensure!(
            !config.kafka.brokers.is_empty(),
            "kafka.brokers: there is no broker, and without one nothing is put aside"
        );
        match action {
            Action::List { limit, after } => {
                let after = after.as_deref().map(str::parse::<Spot>).transpose();
                listed(config, limit, after.context("--after")?).await
            }
            Action::Show { place } => shown(&named(config, &place).await?),
            Action::Replay {
                place: Some(place), ..
            } => replayed(config, &named(config, &place).await?).await,
            Action::Replay { place: None, .. } => all_replayed(config).await,
        }
    }

    async fn letters(config: &Config, topic: Topic) -> anyhow::Result<Letters> {
        let letters = Letters::of(&settings(config), topic).await;
        letters.with_context(|| format!("cannot read {topic}"))
    }

    /// What every topic of dead letters keeps.
    async fn all(config: &Config) -> anyhow::Result<Vec<Letters>> {
        let mut all = Vec::new();
        for topic in Topic::ALL.iter().filter_map(|topic| topic.dead_letters()) {
            all.push(letters(config, topic).await?);
        }
        Ok(all)
    }

    /// Looks at each letter once: what is newest is known only at the end. What comes later is not
    /// among those that are given back.
    async fn newest(all: Vec<Letters>) -> anyhow::Result<(Vec<Letters>, Newest)> {
        let (mut known, mut newest) = (Vec::new(), Newest::default());
        for letters in all {
            let mut last = BTreeMap::new();
            let mut read = letters.survey();
            while let Some(letter) = read.recv().await {
                let letter = letter?;
                newest.note(&letter);
                let spot: Spot = letter.place.parse()?;
                last.insert(spot.partition, spot.offset);
            }
            known.push(letters.until(&last));
        }
        Ok((known, newest))
    }

    async fn named(config: &Config, place: &str) -> anyhow::Result<Received> {
        let spot: Spot = place.parse()?;
        let mut aside = Topic::ALL.iter().filter_map(|topic| topic.dead_letters());
        anyhow::ensure!(
            aside.any(|topic| topic == spot.topic),
            "{} keeps no dead letters",
            spot.topic
        );
        let found = letters(config, spot.topic).await?.at(spot).await?;
        found.with_context(|| format!("there is no dead letter {place}"))
    }

    async fn listed(config: &Config, limit: u32, after: Option<Spot>) -> anyhow::Result<String> {
        let (all, newest) = newest(all(config).await?).await?;
        let mut lines = Vec::new();
        let mut last = None;
        let limit = usize::try_from(limit)?;
        for letters in &all {
            if after.is_some_and(|after| letters.topic() < after.topic) {
                continue;
            }
            let within = after.filter(|after| after.topic == letters.topic());
            let mut read = letters.read(within);
            while let Some(letter) = read.recv().await {
                let letter = letter?;
                if !newest.is(&letter) {
                    continue;
                }
                if lines.len() == limit {
                    lines.extend(last.map(|last| format!("more: --after {last}")));
                    return Ok(lines.join("\n"));
                }
                lines.push(line(&letter));
                last = Some(letter.place);
            }
        }
        Ok(lines.join("\n"))
    }

    fn line(letter: &Received) -> String {
        let (at, why) = (noted(letter, "at"), noted(letter, "reason"));
        format!("{}  {at}  {why}", letter.place)
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

    async fn replayed(config: &Config, letter: &Received) -> anyhow::Result<String> {
        let bus = open(config, &Arc::new(Metrics::new()?), &Roles::default())?;
        Ok(match again(bus.as_ref(), letter).await? {
            None => "1 published again".to_owned(),
            Some(left) => format!("{left}\n0 published again"),
        })
    }

    /// One after the other, by partition and offset: messages of a key go in the order in which
    /// they came to nothing.
    async fn all_replayed(config: &Config) -> anyhow::Result<String> {
        let bus = open(config, &Arc::new(Metrics::new()?), &Roles::default())?;
        let (all, newest) = newest(all(config).await?).await?;
        let (mut count, mut left) = (0_u64, Vec::new());
        for letters in &all {
            let mut read = letters.read(None);
            while let Some(letter) = read.recv().await {
                let letter = letter?;
                if !newest.is(&letter) {
                    continue;
                }
                match again(bus.as_ref(), &letter).await? {
                    None => count = count.saturating_add(1),
                    Some(why) => left.push(why),
                }
            }
        }
        left.push(format!("{count} published again"));
        Ok(left.join("\n"))
    }

    /// Publishes a letter as it came; why it cannot be, where its body is elsewhere.
    async fn again(bus: &dyn Bus, letter: &Received) -> anyhow::Result<Option<String>> {
        let Some(message) = as_it_came(letter) else {
            let place = noted(letter, "place");
            return Ok(Some(format!(
                "{}: only at {place} it is whole",
                letter.place
            )));
        };
        match bus.publish(&[message]).await.first() {
            Some(Receipt::Acknowledged) => Ok(None),
            Some(Receipt::Refused(why) | Receipt::Away(why)) => {
                anyhow::bail!("{} is not published again: {why}", letter.place)
            }
            None => anyhow::bail!("{} is not published again", letter.place),
        }
    }
}
