//! Owns receivers whose answers a test sets, and a vault that shows where it sealed something.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::ports::Clock;
use application::ports::courier::{Courier, Letter, Receipt, Reply};
use application::ports::vault::{Error, Place, Secret, Vault};
use application::webhooks::{Post, Terms};
use async_trait::async_trait;
use domain::Timestamp;
use domain::vault::Sealed;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

/// What a receiver does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    Takes,
    /// After this time.
    TakesAfter(Duration),
    Answers(u16),
    /// Wants to be left alone for so long.
    Busy(u64),
    Silent,
}

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) url: String,
    pub(crate) id: String,
    pub(crate) at: Timestamp,
    pub(crate) secrets: Vec<Secret>,
    pub(crate) body: Vec<u8>,
}

/// Receivers by their address.
#[derive(Default)]
pub(crate) struct Receivers {
    manners: Mutex<HashMap<String, Manner>>,
    arrived: Mutex<Vec<Arrived>>,
    /// How many are talked to now, and at most were.
    under_way: Mutex<HashMap<String, (usize, usize)>>,
}

impl Receivers {
    pub(crate) fn behave(&self, url: &str, manner: Manner) {
        self.manners.lock().unwrap().insert(url.to_owned(), manner);
    }

    /// What arrived at an address.
    pub(crate) fn at(&self, url: &str) -> Vec<Arrived> {
        let arrived = self.arrived.lock().unwrap();
        arrived
            .iter()
            .filter(|one| one.url == url)
            .cloned()
            .collect()
    }

    /// How many tries to an address were made at once, at most.
    pub(crate) fn at_once(&self, url: &str) -> usize {
        let under_way = self.under_way.lock().unwrap();
        under_way.get(url).map_or(0, |(_, most)| *most)
    }

    fn begin(&self, url: &str) {
        let mut under_way = self.under_way.lock().unwrap();
        let (now, most) = under_way.entry(url.to_owned()).or_default();
        *now += 1;
        *most = (*most).max(*now);
    }

    fn end(&self, url: &str) {
        let mut under_way = self.under_way.lock().unwrap();
        under_way.entry(url.to_owned()).or_default().0 -= 1;
    }
}

fn reply(status: u16) -> Reply {
    Reply {
        status,
        excerpt: String::new(),
    }
}

#[async_trait]
impl Courier for Receivers {
    fn admit(&self, url: &str) -> Result<(), String> {
        if url.starts_with("https://") {
            Ok(())
        } else {
            Err("it must begin with https://".to_owned())
        }
    }

    fn secret(&self, random: &str) -> Secret {
        Secret::new(format!("whsec_{random}"))
    }

    async fn deliver(&self, letter: Letter<'_>) -> Receipt {
        self.begin(letter.url);
        let manner = self.manners.lock().unwrap().get(letter.url).copied();
        self.arrived.lock().unwrap().push(Arrived {
            url: letter.url.to_owned(),
            id: letter.id.to_owned(),
            at: letter.at,
            secrets: letter.secrets.to_vec(),
            body: letter.body.to_vec(),
        });
        let receipt = match manner.unwrap_or(Manner::Takes) {
            Manner::Takes => Receipt::Taken(reply(200)),
            Manner::TakesAfter(pause) => {
                sleep(pause).await;
                Receipt::Taken(reply(200))
            }
            Manner::Answers(410) => Receipt::Gone(reply(410)),
            Manner::Answers(status) => Receipt::Refused {
                reply: reply(status),
                retry_after: None,
            },
            Manner::Busy(seconds) => Receipt::Refused {
                reply: reply(503),
                retry_after: Some(Duration::from_secs(seconds)),
            },
            Manner::Silent => {
                sleep(Duration::from_secs(15)).await;
                Receipt::Unanswered("no answer in time".to_owned())
            }
        };
        self.end(letter.url);
        receipt
    }
}

/// Seals by writing down where; opens only there.
pub(crate) struct Labels;

fn label(place: &Place<'_>) -> String {
    format!(
        "{}/{}/{}/{}:",
        place.merchant, place.table, place.row, place.column
    )
}

#[async_trait]
impl Vault for Labels {
    async fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<Sealed, Error> {
        let text = format!("{}{}", label(&place), secret.expose());
        Ok(Sealed(text.into_bytes()))
    }

    async fn index(&self, place: Place<'_>, secret: &Secret) -> Result<[u8; 32], Error> {
        let text = format!("{}/{}/{}", place.merchant, place.table, place.column);
        Ok(Sha256::digest(format!("{text}/{}", secret.expose())).into())
    }

    async fn open(&self, place: Place<'_>, sealed: &Sealed) -> Result<Secret, Error> {
        let text = std::str::from_utf8(&sealed.0).map_err(|_| Error::Refused)?;
        let opened = text.strip_prefix(&label(&place));
        opened.map(Secret::from).ok_or(Error::Refused)
    }
}

pub(crate) fn post(receivers: Arc<Receivers>, clock: Arc<dyn Clock>, terms: Terms) -> Post {
    Post {
        courier: receivers,
        vault: Arc::new(Labels),
        clock,
        terms,
    }
}
