//! Owns the clients of a run: who comes, and what each does in its part.

use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use super::journal::{Attempt, Journal, Wish};
use super::parts::Part;
use crate::random::{Dice, unique_name};
use crate::sandbox::Sandbox;
use crate::service::{Authenticated, Prepared, Service};

/// When an impatient client leaves.
const LEAVE_AFTER: Duration = Duration::from_millis(50);
/// How long somebody who wants money back waits for it to be taken first.
const PAY_PATIENCE: Duration = Duration::from_secs(2);

/// One client.
struct Client {
    service: Service,
    sandbox: Sandbox,
    part: Part,
    amount: i64,
    journal: Journal,
}

/// All parts at once, until each client is done or the service is gone.
pub(super) async fn play(service: &Service, sandbox: &Sandbox, seed: u64) -> Journal {
    let mut dice = Dice::new(seed, "traffic");
    let mut clients = JoinSet::new();
    for part in Part::ALL {
        let begin_after = dice.pause(300);
        let client = Client::new(service, sandbox, part, &mut dice);
        clients.spawn(async move {
            sleep(begin_after).await;
            client.play().await
        });
    }
    let mut journal = Journal::default();
    for played in clients.join_all().await {
        journal.merge(played);
    }
    journal
}

/// One client with any part, until it is done or the service is gone.
pub(super) fn play_one(
    service: &Service,
    sandbox: &Sandbox,
    dice: &mut Dice,
) -> impl Future<Output = Journal> + use<> {
    let part = dice.one_of(&Part::ALL);
    Client::new(service, sandbox, part, dice).play()
}

impl Client {
    fn new(service: &Service, sandbox: &Sandbox, part: Part, dice: &mut Dice) -> Self {
        let hundreds = i64::try_from(dice.between(10, 900)).expect("a small number");
        Self {
            service: service.clone(),
            sandbox: sandbox.clone(),
            part,
            amount: hundreds.saturating_mul(100),
            journal: Journal::default(),
        }
    }

    async fn play(mut self) -> Journal {
        // Whatever fails here fails because the service is gone: the kill is the point.
        let _ = self.play_part().await;
        self.journal
    }

    async fn play_part(&mut self) -> anyhow::Result<()> {
        let order = format!("order-{}", unique_name());
        let prepared = self.service.prepare(&order, self.amount).await?;
        self.journal.cast(&prepared.payment, self.part);
        let rules = self.part.rules(&prepared.gateway_order, self.amount);
        if !rules.is_empty() {
            self.sandbox.add_faults(&rules.into()).await?;
        }
        if self.part == Part::Abandoned {
            return Ok(());
        }
        let authenticated = self.sandbox.authenticate(&prepared).await?;
        match self.part {
            Part::Leaver => {
                let key = unique_name();
                let request = self.service.approve(&authenticated, self.amount, &key);
                let _ = timeout(LEAVE_AFTER, request).await;
            }
            Part::Tampered => self.tampered(authenticated).await?,
            Part::TwoKeys => {
                let other = self.sandbox.authenticate(&prepared).await?;
                self.ask(vec![self.pay(authenticated), self.pay(other)], 1)
                    .await;
            }
            Part::Repeated => self.ask(vec![self.pay(authenticated)], 3).await,
            Part::Withdrawn => {
                let wishes = vec![self.pay(authenticated), give_back(&prepared, None)];
                self.ask(wishes, 1).await;
            }
            Part::Plain
            | Part::OverCaptured
            | Part::StuckReversal
            | Part::Declined
            | Part::LostAnswer
            | Part::Temporary
            | Part::Late
            | Part::Confused
            | Part::Misquoted
            | Part::LostThenMisquoted
            | Part::Abandoned => self.ask(vec![self.pay(authenticated)], 1).await,
            Part::CanceledTwice
            | Part::CanceledInParts
            | Part::CancelLost
            | Part::CancelTemporary
            | Part::CancelLate
            | Part::CancelRefused
            | Part::CancelConfused
            | Part::CancelLeaver => self.paid_and_back(authenticated, &prepared).await,
        }
        Ok(())
    }

    /// The redirect's amount was tampered with; then the true one.
    async fn tampered(&mut self, authenticated: Authenticated) -> anyhow::Result<()> {
        let more = self.amount.saturating_add(100);
        let reply = self
            .service
            .approve(&authenticated, more, &unique_name())
            .await?;
        if !((400..500).contains(&reply.status) || reply.status == 503) {
            self.journal.surprise("a tampered amount", &reply);
        }
        self.ask(vec![self.pay(authenticated)], 1).await;
        Ok(())
    }

    /// Pays, and once that is known wants it back.
    async fn paid_and_back(&mut self, authenticated: Authenticated, prepared: &Prepared) {
        let attempt = Attempt::at(self.pay(authenticated));
        self.journal.intend(attempt.clone());
        let Some(reply) = attempt.insist(&self.service, PAY_PATIENCE).await else {
            return;
        };
        self.journal.hear(&attempt, &reply);
        if reply.status != 200 {
            return;
        }
        let quarter = self.amount / 4;
        if self.part == Part::CanceledInParts {
            // Together all of it; each of the last two comes upon the others.
            let parts = [Some(quarter), Some(quarter), Some(quarter), None];
            let wishes = parts.map(|part| give_back(prepared, part));
            self.ask(wishes.into(), 1).await;
        } else if self.part == Part::CancelLeaver {
            let key = unique_name();
            let request = self.service.cancel(&prepared.payment, Some(quarter), &key);
            let _ = timeout(LEAVE_AFTER, request).await;
        } else if self.part == Part::CanceledTwice {
            self.ask(vec![give_back(prepared, None)], 2).await;
        } else {
            self.ask(vec![give_back(prepared, Some(quarter))], 1).await;
        }
    }

    fn pay(&self, authenticated: Authenticated) -> Wish {
        Wish::Approve {
            authenticated,
            amount: self.amount,
        }
    }

    /// Asks for each under a key of its own, `times` at once.
    async fn ask(&mut self, wishes: Vec<Wish>, times: usize) {
        let mut requests = JoinSet::new();
        for wish in wishes {
            let attempt = Attempt::at(wish);
            self.journal.intend(attempt.clone());
            for _ in 0..times {
                let (service, attempt) = (self.service.clone(), attempt.clone());
                requests.spawn(async move { (attempt.send(&service).await, attempt) });
            }
        }
        for (reply, attempt) in requests.join_all().await {
            if let Some(reply) = reply {
                self.journal.hear(&attempt, &reply);
            }
        }
    }
}

fn give_back(prepared: &Prepared, amount: Option<i64>) -> Wish {
    Wish::Cancel {
        payment: prepared.payment.clone(),
        amount,
    }
}
