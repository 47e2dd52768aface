//! Owns telling Payflow where the shop wants its events.

use std::fmt;

use tokio_util::sync::CancellationToken;

use crate::payflow;
use crate::sales::Shop;
use crate::store;

/// How long to wait before Payflow is asked again.
const AGAIN: std::time::Duration = std::time::Duration::from_secs(5);

/// Where Payflow tells the shop what happens.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Hook {
    /// Payflow's name of the endpoint.
    pub(crate) endpoint: String,
    /// The address that it has there.
    pub(crate) url: String,
    /// What messages are verified with.
    pub(crate) secret: String,
}

impl fmt::Debug for Hook {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Hook")
            .field("endpoint", &self.endpoint)
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

/// Why Payflow does not tell the shop anything by itself.
#[derive(Debug, thiserror::Error)]
enum Unregistered {
    #[error(transparent)]
    Payflow(#[from] payflow::Error),
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What became of the wish to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Registered {
    /// Payflow knows where.
    Yes,
    /// It brings nothing to this address, and the shop asks instead, as it does anyway.
    Refused,
}

impl Shop {
    /// Has Payflow tell the shop at `url` what happens, once it can be reached.
    pub(crate) async fn register(&self, url: String, end: CancellationToken) {
        loop {
            match self.registered(&url).await {
                Ok(Registered::Yes) => {
                    tracing::info!(url, "Payflow tells the shop what happens");
                    return;
                }
                Ok(Registered::Refused) => {
                    tracing::warn!(
                        url,
                        "Payflow brings no webhooks here; the shop asks instead"
                    );
                    return;
                }
                Err(why) => tracing::debug!(%why, "Payflow does not know the shop's address yet"),
            }
            tokio::select! {
                () = end.cancelled() => return,
                () = tokio::time::sleep(AGAIN) => {}
            }
        }
    }

    async fn registered(&self, url: &str) -> Result<Registered, Unregistered> {
        let known = self.store.hook().await?;
        if let Some(hook) = known.clone() {
            let moved = self.payflow.move_endpoint(&hook.endpoint, url).await;
            match moved {
                Ok(()) => {
                    let url = url.to_owned();
                    self.store.set_hook(Hook { url, ..hook }).await?;
                    return Ok(Registered::Yes);
                }
                Err(payflow::Error::Refused { code }) if code == "WEBHOOK_ENDPOINT_NOT_FOUND" => {}
                Err(error) => return refused(error),
            }
        }
        // One that was made and whose secret was lost before it was kept tells nobody anything.
        for endpoint in self.payflow.endpoints_at(url).await? {
            self.payflow.delete_endpoint(&endpoint).await?;
        }
        match self.payflow.make_endpoint(url).await {
            Ok(hook) => {
                self.store.set_hook(hook).await?;
                Ok(Registered::Yes)
            }
            Err(error) => refused(error),
        }
    }
}

fn refused(error: payflow::Error) -> Result<Registered, Unregistered> {
    match error {
        // Of an address only what is refused for good.
        payflow::Error::Refused { .. } => Ok(Registered::Refused),
        payflow::Error::Unavailable(_) | payflow::Error::TurnedAway { .. } => Err(error.into()),
    }
}
