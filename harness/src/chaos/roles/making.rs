//! Owns steady events: clients that prepare payments and withdraw them, one after the other, beside
//! a copy that is never killed.

use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bus;
use crate::service::Service;

const CLIENTS: usize = 4;
/// So that those who tell of events keep up, also on a machine that does other things.
const PAUSE: Duration = Duration::from_millis(60);

/// Clients at work.
pub(super) struct Making {
    over: watch::Sender<bool>,
    clients: JoinSet<anyhow::Result<u64>>,
}

impl Making {
    /// Begins.
    pub(super) fn begin(service: &Service) -> Self {
        let (over, told) = watch::channel(false);
        let mut clients = JoinSet::new();
        for _ in 0..CLIENTS {
            let (service, told) = (service.clone(), told.clone());
            clients.spawn(async move {
                let mut made = 0_u64;
                while !*told.borrow() {
                    bus::one(&service).await?;
                    made = made.saturating_add(1);
                    sleep(PAUSE).await;
                }
                anyhow::Ok(made)
            });
        }
        Self { over, clients }
    }

    /// No more; how many payments there were. Any answer but the right one is an error.
    pub(super) async fn end(self) -> anyhow::Result<u64> {
        self.over.send_replace(true);
        let mut sum = 0_u64;
        for made in self.clients.join_all().await {
            sum = sum.saturating_add(made?);
        }
        Ok(sum)
    }
}
