//! Owns the shop's talk with Payflow about where webhooks go.

use reqwest::Method;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::{Client, Error, Reply};
use crate::hooks::Hook;

const ENDPOINTS: &str = "/webhook-endpoints";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    endpoint_id: String,
    url: String,
}

#[derive(Deserialize)]
struct Endpoints {
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Made {
    secret: String,
    endpoint: Endpoint,
}

impl Client {
    /// Has events brought to `url`.
    pub(crate) async fn make_endpoint(&self, url: &str) -> Result<Hook, Error> {
        let request = self.request(Method::POST, ENDPOINTS).await?;
        let made: Made = shown(self.send(request.json(&json!({ "url": url }))).await?)?;
        Ok(Hook {
            endpoint: made.endpoint.endpoint_id,
            url: made.endpoint.url,
            secret: made.secret,
        })
    }

    /// Has an endpoint's events brought to `url`, whatever was before.
    pub(crate) async fn move_endpoint(&self, endpoint: &str, url: &str) -> Result<(), Error> {
        let path = format!("{ENDPOINTS}/{endpoint}");
        let request = self.request(Method::PATCH, &path).await?;
        let body = json!({ "url": url, "enabled": true });
        shown::<Endpoint>(self.send(request.json(&body)).await?).map(drop)
    }

    /// The endpoints that have this address.
    pub(crate) async fn endpoints_at(&self, url: &str) -> Result<Vec<String>, Error> {
        let request = self.request(Method::GET, ENDPOINTS).await?;
        let found: Endpoints = shown(self.send(request).await?)?;
        let here = found.endpoints.into_iter().filter(|one| one.url == url);
        Ok(here.map(|one| one.endpoint_id).collect())
    }

    /// Has nothing brought there any more.
    pub(crate) async fn delete_endpoint(&self, endpoint: &str) -> Result<(), Error> {
        let path = format!("{ENDPOINTS}/{endpoint}");
        let request = self.request(Method::DELETE, &path).await?;
        shown::<Endpoint>(self.send(request).await?).map(drop)
    }
}

/// What a success shows.
fn shown<T: DeserializeOwned>(reply: Reply) -> Result<T, Error> {
    serde_json::from_value(reply.success()?)
        .map_err(|error| Error::Unavailable(format!("an answer makes no sense: {error}")))
}
