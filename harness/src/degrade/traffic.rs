//! Owns the buyers: they come at a rate, whatever becomes of those before them, and whoever was not
//! served comes back under the same key once the trouble is over.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use super::tally::{Board, Phase};
use crate::http::Reply;
use crate::random::unique_name;
use crate::sandbox::Sandbox;
use crate::service::{Authenticated, Prepared, Service};

const AMOUNT: i64 = 9_000;
/// What every third buyer wants back.
const PART: i64 = 3_000;
/// How often somebody comes back.
const COMES_BACK: Duration = Duration::from_millis(250);

/// What was asked for and has no end yet.
#[derive(Clone, Debug)]
enum Wish {
    Prepare(String),
    Approve(Authenticated),
    Cancel(String),
}

/// A wish and its key.
#[derive(Clone, Debug)]
struct Open {
    wish: Wish,
    key: String,
}

/// Everything that buyers know.
#[derive(Clone)]
pub(super) struct Buyers {
    pub(super) service: Service,
    pub(super) sandbox: Sandbox,
    pub(super) board: Board,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    came: u64,
    open: Vec<Open>,
    /// Payments that somebody was told are paid.
    paid: Vec<String>,
}

/// What became of those who came back.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Returns {
    /// How many had no end.
    pub(super) open: usize,
    /// Of these, how many were told one.
    pub(super) ended: usize,
}

impl Buyers {
    /// Nobody came yet.
    pub(super) fn new(service: &Service, sandbox: &Sandbox, board: &Board) -> Self {
        Self {
            service: service.clone(),
            sandbox: sandbox.clone(),
            board: board.clone(),
            book: Arc::default(),
        }
    }

    /// So many come each second until told otherwise, and each stays until all was answered.
    pub(super) async fn come(
        self,
        per_second: u32,
        mut over: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let every = Duration::from_secs(1).checked_div(per_second);
        let mut ticks = interval(every.context("nobody comes")?);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut under_way = JoinSet::new();
        loop {
            tokio::select! {
                _ = over.changed() => break,
                _ = ticks.tick() => drop(under_way.spawn(self.clone().buy())),
                Some(bought) = under_way.join_next() => bought??,
            }
        }
        while let Some(bought) = under_way.join_next().await {
            bought??;
        }
        Ok(())
    }

    async fn buy(self) -> anyhow::Result<()> {
        let (name, came) = (unique_name(), self.board.begin());
        let wants_back = {
            let mut book = self.book.lock().await;
            book.came = book.came.saturating_add(1);
            book.came % 3 == 0
        };
        let wish = Wish::Prepare(format!("degrade-{name}"));
        let Some(reply) = self.wish(came, wish, format!("p-{name}")).await else {
            return Ok(());
        };
        let text = |field: &str| reply.data(field).map(str::to_owned).context("not prepared");
        let prepared = Prepared {
            payment: text("paymentId")?,
            gateway_order: text("gatewayOrderId")?,
            amount: AMOUNT,
        };
        let payment = prepared.payment.clone();
        let wish = Wish::Approve(self.sandbox.authenticate(&prepared).await?);
        let approved = self.wish(came, wish, format!("a-{name}")).await;
        let begun = self.board.begin_of(came);
        let read = self.service.payment(&payment).await;
        self.board.hear("read", begun, read.as_ref().ok());
        if wants_back && approved.is_some() {
            self.wish(came, Wish::Cancel(payment), format!("c-{name}"))
                .await;
        }
        Ok(())
    }

    /// What it comes to, of somebody who came in that phase, where that is an end; otherwise it is
    /// kept, to be asked for again.
    async fn wish(&self, came: Phase, wish: Wish, key: String) -> Option<Reply> {
        let open = Open { wish, key };
        let begun = self.board.begin_of(came);
        let reply = self.ask(&open).await.ok();
        self.board.hear(open.wish.kind(), begun, reply.as_ref());
        let done = reply.filter(|reply| matches!(reply.status, 200 | 201));
        let mut book = self.book.lock().await;
        match (&done, &open.wish) {
            (Some(_), Wish::Approve(paid)) => book.paid.push(paid.prepared.payment.clone()),
            (Some(_), Wish::Prepare(_) | Wish::Cancel(_)) => {}
            (None, _) => book.open.push(open),
        }
        done
    }

    async fn ask(&self, open: &Open) -> reqwest::Result<Reply> {
        match &open.wish {
            Wish::Prepare(order) => {
                let prepared = self.service.prepare_under(order, AMOUNT, &open.key);
                prepared.await
            }
            Wish::Approve(authenticated) => {
                let approved = self.service.approve(authenticated, AMOUNT, &open.key);
                approved.await
            }
            Wish::Cancel(payment) => self.service.cancel(payment, Some(PART), &open.key).await,
        }
    }

    /// Whoever has no end asks again under the same key; whoever is told none within `patience` is
    /// a breach.
    pub(super) async fn come_back(&self, patience: Duration) -> Returns {
        let open = std::mem::take(&mut self.book.lock().await.open);
        let mut returns = Returns {
            open: open.len(),
            ..Returns::default()
        };
        let mut asking = JoinSet::new();
        let begun = Instant::now();
        for one in open {
            let buyers = self.clone();
            asking.spawn(async move { buyers.until_told(one, begun, patience).await });
        }
        while let Some(ended) = asking.join_next().await {
            match ended {
                Ok(true) => returns.ended = returns.ended.saturating_add(1),
                // It has said so.
                Ok(false) => {}
                Err(error) => self.board.breach(format!("nobody came back: {error}")),
            }
        }
        returns
    }

    async fn until_told(&self, open: Open, begun: Instant, patience: Duration) -> bool {
        loop {
            let reply = self.ask(&open).await;
            if let Ok(reply) = &reply
                && matches!(reply.status, 200 | 201)
            {
                if let Wish::Approve(paid) = &open.wish {
                    let payment = paid.prepared.payment.clone();
                    self.book.lock().await.paid.push(payment);
                }
                return true;
            }
            if begun.elapsed() >= patience {
                let said = reply.map(|reply| (reply.status, reply.body));
                self.board.breach(format!("{open:?} has no end: {said:?}"));
                return false;
            }
            sleep(COMES_BACK).await;
        }
    }

    /// Whoever was told that a payment is paid finds it paid; how many were.
    pub(super) async fn verify(&self) -> anyhow::Result<usize> {
        let paid = self.book.lock().await.paid.clone();
        for payment in &paid {
            let reply = self.service.payment(payment).await?;
            let status = reply.data("status").unwrap_or_default();
            if !matches!(status, "DONE" | "PARTIAL_CANCELED") {
                let said = format!("{payment} was told paid and is {}", reply.body);
                self.board.breach(said);
            }
        }
        Ok(paid.len())
    }
}

impl Wish {
    const fn kind(&self) -> &'static str {
        match self {
            Self::Prepare(_) => "prepare",
            Self::Approve(_) => "approve",
            Self::Cancel(_) => "cancel",
        }
    }
}
