//! Owns what is looked at beside the requests: what the probes of the service say, and how many
//! sagas are open.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::tally::Board;
use crate::books::{Books, Target};
use crate::service::Service;

const PROBE_EVERY: Duration = Duration::from_millis(200);

/// Asks both probes until told otherwise.
pub(super) async fn ask(service: Service, board: Board, over: watch::Receiver<bool>) {
    while !*over.borrow() {
        let begun = board.begin_of(board.begin());
        let live = service.live().await;
        board.hear("live", begun, live.as_ref().ok());
        let begun = board.begin_of(board.begin());
        let ready = service.ready().await;
        board.hear("ready", begun, ready.as_ref().ok());
        sleep(PROBE_EVERY).await;
    }
}

/// How many sagas are open; none where the books cannot be read.
pub(super) async fn open_sagas(target: &Target) -> Option<u64> {
    let open = tokio::time::timeout(Duration::from_secs(2), Books::count_open_sagas(target));
    let open = open.await.ok()?.ok()?;
    u64::try_from(open).ok()
}
