//! Owns the two questions that Payflow is asked: what has happened since, and whose is it.

use std::time::Duration;

use reqwest::{RequestBuilder, StatusCode};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::access::Access;
use crate::event::{Event, Kind};

/// For how long Payflow may wait for the next event before it answers that there is none.
const WAIT_SECONDS: &str = "20";
const CONNECT: Duration = Duration::from_secs(3);
/// Longer than it may wait.
const ANSWER: Duration = Duration::from_secs(40);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The place is none any more: Payflow was restored to an earlier state.
    #[error("the place is no longer valid")]
    Expired,
    /// There is no such thing.
    #[error("Payflow knows no such thing")]
    Unknown,
    /// It is not there, not well, or does not let us in. Tried again.
    #[error(transparent)]
    Unavailable(#[from] anyhow::Error),
}

impl From<reqwest::Error> for Error {
    fn from(error: reqwest::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

/// What every answer is wrapped in.
#[derive(Deserialize)]
struct Envelope<T> {
    data: T,
}

/// The code of an answer that is a refusal.
#[derive(Deserialize)]
struct Refusal {
    code: String,
}

/// Some of the events, in the order that never changes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Page {
    /// The events.
    pub(crate) events: Vec<Event>,
    /// Where to go on once they are dealt with.
    pub(crate) next_after: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Owned {
    member_id: Option<String>,
}

/// A client of Payflow.
pub(crate) struct Client {
    http: reqwest::Client,
    access: Access,
    page: u32,
}

impl Client {
    /// One that asks for so many events at once.
    pub(crate) fn new(access: Access, page: u32) -> reqwest::Result<Self> {
        let http = reqwest::Client::builder()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            .no_proxy()
            .build()?;
        Ok(Self { http, access, page })
    }

    /// What has happened since that place; from the beginning without one. Waits for the next event
    /// where there is none.
    pub(crate) async fn events(&self, after: Option<&str>) -> Result<Page, Error> {
        let limit = self.page.to_string();
        let mut query = vec![("limit", limit.as_str()), ("wait", WAIT_SECONDS)];
        query.extend(after.map(|after| ("after", after)));
        answer(self.get("/events")?.query(&query)).await
    }

    /// The member whose payment, subscription or card it is. Events do not say it: they hold
    /// nothing about persons.
    pub(crate) async fn member_of(
        &self,
        kind: Kind,
        subject: &str,
    ) -> Result<Option<String>, Error> {
        let things = match kind {
            Kind::Payment => "payments",
            Kind::Subscription => "subscriptions",
            Kind::Card => "billing-keys",
        };
        let request = self.get(&format!("/{things}/{subject}"))?;
        Ok(answer::<Owned>(request).await?.member_id)
    }

    fn get(&self, path: &str) -> Result<RequestBuilder, Error> {
        let keys = self.access.keys()?;
        let request = self.http.get(format!("{}/api/v1{path}", keys.payflow_url));
        Ok(request.basic_auth(keys.secret_key, Some("")))
    }
}

async fn answer<T: DeserializeOwned>(request: RequestBuilder) -> Result<T, Error> {
    let answer = request.send().await?;
    match answer.status() {
        StatusCode::OK => Ok(answer.json::<Envelope<T>>().await?.data),
        StatusCode::GONE => Err(Error::Expired),
        StatusCode::NOT_FOUND => Err(Error::Unknown),
        status => {
            let refusal = answer.json::<Refusal>().await;
            let code = refusal.map_or_else(|_| "no code".to_owned(), |refusal| refusal.code);
            Err(Error::Unavailable(anyhow::anyhow!(
                "Payflow answers {status}, {code}"
            )))
        }
    }
}
