//! Owns a service's life: flags, then reading on for ever. It may be killed at any moment; nothing
//! is done at its end.

use std::io::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Parser;
use tokio::time::{Instant, sleep};
use tracing_subscriber::EnvFilter;

use crate::Service;
use crate::access::{Access, Keys};
use crate::client::{Client, Error, Page};
use crate::inbox::{Inbox, Members};

/// Between tries while something is not well, doubled each time.
const PAUSE: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(5);
/// Payflow lets only so many wait at once, and answers others at once that there is nothing.
const BETWEEN_EMPTY_PAGES: Duration = Duration::from_secs(1);

#[derive(Debug, Parser)]
struct Arguments {
    /// The file that Payflow writes when it is started with nothing configured.
    #[arg(long, default_value = "data/dev-keys.json")]
    keys: PathBuf,
    /// Where Payflow is, instead of what the file says; goes with the secret key.
    #[arg(long, env = "PAYFLOW_URL")]
    payflow_url: Option<String>,
    /// The merchant's secret key.
    #[arg(long, env = "PAYFLOW_SECRET_KEY", hide_env_values = true)]
    secret_key: Option<String>,
    /// The database file; data/NAME.db without it.
    #[arg(long)]
    data: Option<PathBuf>,
    /// How many events are dealt with in one commit.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=100))]
    page: u32,
    /// Read everything again, from the first event. Nothing has its effect twice.
    #[arg(long)]
    again: bool,
    /// Print what it has come to, a line of JSON each, and end.
    #[arg(long)]
    show: bool,
}

impl Arguments {
    fn access(&self) -> anyhow::Result<Access> {
        match (&self.payflow_url, &self.secret_key) {
            (None, None) => Ok(Access::File(self.keys.clone())),
            (Some(url), Some(key)) => Ok(Access::Given(Keys {
                payflow_url: url.trim_end_matches('/').to_owned(),
                secret_key: key.clone(),
            })),
            _ => bail!("--payflow-url and --secret-key are given together"),
        }
    }
}

/// Runs the service, until it is killed.
///
/// # Errors
/// It cannot work at all: flags that make no sense, no database.
pub async fn main<S: Service>() -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
    let arguments = Arguments::parse();
    let client = Client::new(arguments.access()?, arguments.page)?;
    let named = || PathBuf::from("data").join(S::NAME).with_extension("db");
    let data = arguments.data.unwrap_or_else(named);
    if let Some(folder) = data.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut inbox = Inbox::open::<S>(&data).with_context(|| format!("no {}", data.display()))?;
    if arguments.show {
        for line in inbox.show::<S>()? {
            writeln!(std::io::stdout(), "{line}")?;
        }
        return Ok(());
    }
    if arguments.again {
        inbox.begin_again()?;
    }
    tracing::info!(data = %data.display(), "{} reads events", S::NAME);
    let mut pause = PAUSE;
    loop {
        match step::<S>(&client, &mut inbox).await {
            Ok(()) => pause = PAUSE,
            Err(error) => {
                tracing::warn!("{error:#}; trying again");
                sleep(pause).await;
                pause = PAUSE_MAX.min(pause.saturating_mul(2));
            }
        }
    }
}

/// Reads a page, and deals with it. Whatever goes wrong, and wherever the process dies, the same
/// step is done again from the same place.
async fn step<S: Service>(client: &Client, inbox: &mut Inbox) -> anyhow::Result<()> {
    let place = inbox.place()?;
    let begun = Instant::now();
    let page = match client.events(place.as_deref()).await {
        Ok(page) => page,
        Err(Error::Expired) => {
            tracing::warn!("Payflow was restored: reading everything again");
            return Ok(inbox.begin_again()?);
        }
        Err(error) => return Err(error.into()),
    };
    if page.events.is_empty() {
        sleep(BETWEEN_EMPTY_PAGES.saturating_sub(begun.elapsed())).await;
        return Ok(());
    }
    // Before the commit: nobody holds a transaction while somebody else is asked.
    let members = members::<S>(client, inbox, &page).await?;
    inbox.take::<S>(&page, &members)?;
    tracing::debug!("read to {}", page.next_after);
    Ok(())
}

/// Whose subjects they are, of the events that will have an effect.
async fn members<S: Service>(
    client: &Client,
    inbox: &Inbox,
    page: &Page,
) -> anyhow::Result<Members> {
    let mut members = Members::new();
    let has_effect = |kind: &str| S::TYPES.contains(&kind);
    for event in page.events.iter().filter(|event| has_effect(&event.kind)) {
        let Some(kind) = event.of() else {
            continue;
        };
        if members.contains_key(&event.subject) || !inbox.is_new(event)? {
            continue;
        }
        let member = match inbox.member(&event.subject)? {
            // It never changes.
            Some(member) => Some(member),
            None => match client.member_of(kind, &event.subject).await {
                Ok(member) => member,
                Err(Error::Unknown) => {
                    tracing::warn!(subject = event.subject, "Payflow shows no such thing");
                    None
                }
                Err(error) => return Err(error.into()),
            },
        };
        members.insert(event.subject.clone(), member);
    }
    Ok(members)
}
