//! Owns ringing the bells of other copies, and hearing theirs. Whatever is not heard is found by
//! looking now and then, as without Redis.

use std::sync::Arc;
use std::time::Duration;

use application::events::{Bell, Rings};
use futures_util::StreamExt as _;
use redis::Msg;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::observed::Use;

/// However much happens, others are told of it no more often.
const GAP: Duration = Duration::from_millis(10);
/// The pause before listening is tried again.
const PAUSE: Duration = Duration::from_millis(500);

/// Rings in other copies what is rung here, and here what is rung there.
pub struct Chime {
    link: Arc<Link>,
    bell: Arc<Bell>,
    channel: String,
    /// Who we are: what we ring ourselves we have heard.
    own: u64,
}

impl Chime {
    /// Between `bell` and those that are reached by `link`.
    #[must_use]
    pub fn new(link: Arc<Link>, bell: Arc<Bell>) -> Self {
        let mut bytes = [0; 8];
        // Whoever has the same number by chance, or for want of it, looks now and then.
        let _ = getrandom::fill(&mut bytes);
        Self {
            channel: format!("{}bell", link.settings().prefix),
            link,
            bell,
            own: u64::from_be_bytes(bytes),
        }
    }

    /// Rings elsewhere what is rung here, until the process is to end.
    pub async fn ring_continuously(self: Arc<Self>, drain: CancellationToken) {
        loop {
            let rung = tokio::select! {
                rung = self.bell.rung_here() => rung,
                () = drain.cancelled() => return,
            };
            let said = format!("{:016x} {}", self.own, rung.bits());
            let told = self.link.ask(Use::Ring, async |mut connection| {
                let mut publish = redis::cmd("PUBLISH");
                publish.arg(&self.channel).arg(said);
                publish.query_async::<()>(&mut connection).await
            });
            let _: Option<()> = told.await;
            sleep(GAP).await;
        }
    }

    /// Rings here what is rung elsewhere, until the process is to end.
    pub async fn hear_continuously(self: Arc<Self>, drain: CancellationToken) {
        loop {
            tokio::select! {
                () = self.hear() => {}
                () = drain.cancelled() => return,
            }
        }
    }

    /// Listens once, until the connection is lost.
    async fn hear(&self) {
        let Some((mut heard, mut turns)) = self.link.listen(&self.channel).await else {
            tokio::select! {
                () = self.link.changed() => {}
                () = sleep(PAUSE) => {}
            }
            return;
        };
        // What was rung before is not told again.
        self.bell.heard(Rings::ALL);
        loop {
            tokio::select! {
                message = heard.next() => match message {
                    Some(message) => self.pass(&message),
                    None => break,
                },
                _ = turns.changed() => return,
            }
        }
        sleep(PAUSE).await;
    }

    fn pass(&self, message: &Msg) {
        let said = str::from_utf8(message.get_payload_bytes()).unwrap_or_default();
        let Some((from, bits)) = said.split_once(' ') else {
            return;
        };
        if u64::from_str_radix(from, 16) != Ok(self.own) {
            self.bell.heard(Rings::of(bits.parse().unwrap_or_default()));
        }
    }
}
