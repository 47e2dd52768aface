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
    use std::collections::{BTreeMap, BTreeSet};
    use std::fmt::Write as _;
    use std::ops::ControlFlow;
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
        let mut replay = Replay::default();
        // Whether the bus is away changes nothing where there is no other.
        let _ = replay.give(bus.as_ref(), letter).await;
        replay.told()
    }

    /// One after the other, by partition and offset: messages of a key go in the order in which
    /// they came to nothing.
    async fn all_replayed(config: &Config) -> anyhow::Result<String> {
        let bus = open(config, &Arc::new(Metrics::new()?), &Roles::default())?;
        let (all, newest) = newest(all(config).await?).await?;
        let mut replay = Replay::default();
        'all: for letters in &all {
            let mut read = letters.read(None);
            while let Some(letter) = read.recv().await {
                let letter = match letter {
                    Ok(letter) => letter,
                    Err(error) => {
                        replay.stop(&format!("{}: {error}", letters.topic()));
                        break 'all;
                    }
                };
                if newest.is(&letter) && replay.give(bus.as_ref(), &letter).await.is_break() {
                    break 'all;
                }
            }
        }
        replay.told()
    }

    /// What became of letters that were given back.
    #[derive(Default)]
    struct Replay {
        published: u64,
        /// Of which only a part was put aside: whole they are elsewhere.
        elsewhere: Vec<String>,
        /// Which the bus did not take, and why.
        refused: Vec<String>,
        /// Whose messages wait for one that was refused: a key keeps its order.
        held: BTreeSet<(Topic, Vec<u8>)>,
    }

    impl Replay {
        /// Publishes a letter as it came. One that the bus refuses is passed over, and with it what
        /// came later under its key; where the bus is away, nothing more is to be tried.
        async fn give(&mut self, bus: &dyn Bus, letter: &Received) -> ControlFlow<()> {
            let place = &letter.place;
            let Some(message) = as_it_came(letter) else {
                let whole = noted(letter, "place");
                self.elsewhere
                    .push(format!("{place}: only at {whole} it is whole"));
                return ControlFlow::Continue(());
            };
            let key = message.key.clone().map(|key| (message.topic, key));
            if key.as_ref().is_some_and(|key| self.held.contains(key)) {
                let why = "an earlier one of its key was refused";
                self.refused
                    .push(format!("{place} is not published again: {why}"));
                return ControlFlow::Continue(());
            }
            match bus.publish(&[message]).await.pop() {
                Some(Receipt::Acknowledged) => {
                    self.published = self.published.saturating_add(1);
                    ControlFlow::Continue(())
                }
                Some(Receipt::Refused(why)) => {
                    self.refused
                        .push(format!("{place} is not published again: {why}"));
                    self.held.extend(key);
                    ControlFlow::Continue(())
                }
                Some(Receipt::Away(why)) => {
                    self.stop(&format!("{place} is not published again: {why}"));
                    ControlFlow::Break(())
                }
                None => {
                    self.stop(&format!("{place} is not published again"));
                    ControlFlow::Break(())
                }
            }
        }

        fn stop(&mut self, why: &str) {
            self.refused
                .push(format!("{why}; what lies behind it was not tried"));
        }

        /// A line for each that was not published, and how many were.
        ///
        /// # Errors
        /// The bus did not take them all: the same lines.
        fn told(self) -> anyhow::Result<String> {
            let mut lines = self.elsewhere;
            let is_well = self.refused.is_empty();
            lines.extend(self.refused);
            lines.push(format!("{} published again", self.published));
            let lines = lines.join("\n");
            if is_well {
                Ok(lines)
            } else {
                anyhow::bail!(lines)
            }
        }
    }

    #[cfg(test)]
    mod tests {
        use application::ports::bus::{BusAway, Group, Message, Subscription};
        use application::ports::sink::Begin;
        use async_trait::async_trait;
        use domain::feed::Reader;

        use super::*;

        /// Refuses what says `bad`, and is away for what says `away`.
        struct Choosy;

        #[async_trait]
        impl Bus for Choosy {
            fn reader(&self) -> Reader {
                Reader::named("choosy")
            }

            fn begin(&self) -> Begin {
                Begin::Start
            }

            async fn publish(&self, messages: &[Message]) -> Vec<Receipt> {
                let receipt = |message: &Message| match message.payload.as_slice() {
                    b"bad" => Receipt::Refused("too large".to_owned()),
                    b"away" => Receipt::Away("nobody there".to_owned()),
                    _ => Receipt::Acknowledged,
                };
                messages.iter().map(receipt).collect()
            }

            fn subscribe(&self, _: Group, _: Topic) -> Result<Box<dyn Subscription>, BusAway> {
                Err(BusAway("nobody takes anything".to_owned()))
            }
        }

        async fn given(letters: &[(&str, &str)]) -> Result<String, String> {
            let mut replay = Replay::default();
            for (number, (key, payload)) in letters.iter().enumerate() {
                let letter = Received {
                    topic: Topic::OrderCreatedDead,
                    key: (!key.is_empty()).then(|| key.as_bytes().to_vec()),
                    headers: Vec::new(),
                    payload: payload.as_bytes().to_vec(),
                    place: format!("{}/0/{number}", Topic::OrderCreatedDead),
                };
                if replay.give(&Choosy, &letter).await.is_break() {
                    break;
                }
            }
            replay.told().map_err(|error| error.to_string())
        }

        #[tokio::test]
        async fn one_that_is_refused_holds_up_its_key_alone() {
            let letters = [
                ("a", "bad"),
                ("b", "good"),
                ("a", "good"),
                ("", "bad"),
                ("", "good"),
            ];
            let said = given(&letters).await.expect_err("two were refused");
            let lines: Vec<&str> = said.lines().collect();
            assert_eq!(
                lines,
                [
                    "order.created.dead-letters/0/0 is not published again: too large",
                    "order.created.dead-letters/0/2 is not published again: an earlier one of its \
                     key was refused",
                    "order.created.dead-letters/0/3 is not published again: too large",
                    "2 published again",
                ]
            );
        }

        #[tokio::test]
        async fn where_the_bus_is_away_nothing_more_is_tried() {
            let said = given(&[("a", "good"), ("b", "away"), ("c", "good")]).await;
            let said = said.expect_err("one was not taken");
            assert!(
                said.contains("0/1 is not published again: nobody there; what"),
                "{said}"
            );
            assert!(said.ends_with("\n1 published again"), "{said}");
        }

        #[tokio::test]
        async fn what_is_taken_is_counted() {
            let said = given(&[("a", "good"), ("b", "good")]).await;
            assert_eq!(said.as_deref(), Ok("2 published again"));
        }
    }
}
