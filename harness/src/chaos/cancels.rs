//! Owns the race for a balance: many cancellations of a part of each payment at once, more than
//! there is; every client repeats with its key until it is told the end.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::http::Reply;
use crate::random::{Dice, unique_name};
use crate::sandbox::{Movement, Sandbox};
use crate::service::{Prepared, Service};
use crate::stand::Stand;

const AMOUNT: i64 = 1_000;
const PART: i64 = 100;
/// So many want a part of each payment; there are ten parts.
const CANCELS: u64 = 20;
const GIVEN: u64 = 10;
/// Nobody is told to wait for longer than this.
const PATIENCE: Duration = Duration::from_mins(5);
/// A client that was told to wait waits up to so much longer, and each time up to twice as long.
const MORE_MIN_MS: u64 = 500;
const MORE_MAX_MS: u64 = 8_000;
const PREPARERS: u64 = 16;
/// All clients together open so many connections at once, as a pool does: whoever finds none free
/// waits for one, and a request's time begins when it has one.
const CONNECTIONS_MAX: usize = 512;
/// What a client that comes too late is told for good.
const REFUSALS: [&str; 2] = ["CANCEL_OVER_BALANCE", "PAYMENT_NOT_CANCELABLE"];

/// What came of the race.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Figures {
    payments: u64,
    cancels_each: u64,
    succeeded: u64,
    refused: u64,
    /// Answers that said to come again.
    told_to_wait: u64,
    refunded_at_gateway: i64,
    milliseconds: u64,
}

/// One client's end.
struct Ended {
    reply: Reply,
    told_to_wait: u64,
}

/// The connections that all clients share.
#[derive(Clone)]
struct Pool {
    service: Service,
    connections: Arc<Semaphore>,
}

impl Pool {
    async fn cancel(&self, payment: &str, key: &str) -> anyhow::Result<Reply> {
        let _one = self.connections.acquire().await?;
        Ok(self.service.cancel(payment, Some(PART), key).await?)
    }
}

/// Races for `payments` payments side by side; the figures, and what was wrong.
pub(super) async fn race(
    stand: &Stand,
    service: &Service,
    payments: u64,
) -> anyhow::Result<(Figures, Vec<String>)> {
    let paid = pay(stand, service, payments).await?;
    let mut figures = Figures {
        payments,
        cancels_each: CANCELS,
        ..Figures::default()
    };
    let mut breaches = Vec::new();
    let begun = Instant::now();
    let pool = Pool {
        service: service.clone(),
        connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
    };
    let mut races = JoinSet::new();
    for (number, prepared) in (0..).zip(paid.iter().cloned()) {
        let pool = pool.clone();
        let dice = Dice::new(number, "cancels");
        races.spawn(async move { (for_one(&pool, &prepared, dice).await, prepared) });
    }
    while let Some(raced) = races.join_next().await {
        let (ended, prepared) = raced?;
        let found = figures.count(&prepared, &ended?);
        breaches.extend(found);
        breaches.extend(shown(service, &prepared).await?);
    }
    figures.milliseconds = super::aftermath::milliseconds(begun.elapsed());
    let found = at_gateway(&stand.sandbox, &paid, &mut figures).await?;
    breaches.extend(found);
    Ok((figures, breaches))
}

/// Payments that are paid.
async fn pay(stand: &Stand, service: &Service, count: u64) -> anyhow::Result<Vec<Prepared>> {
    let mut payers = JoinSet::new();
    for payer in 0..PREPARERS {
        let (service, sandbox) = (service.clone(), stand.sandbox.clone());
        let share = (payer..count).step_by(usize::try_from(PREPARERS)?).count();
        payers.spawn(async move {
            let mut paid = Vec::new();
            for _ in 0..share {
                let order = format!("race-{}", unique_name());
                let wanted = sandbox.authenticated(&service, &order, AMOUNT).await?;
                let reply = service.approve(&wanted, AMOUNT, &unique_name()).await?;
                ensure!(reply.status == 200, "not approved: {}", reply.body);
                paid.push(wanted.prepared);
            }
            anyhow::Ok(paid)
        });
    }
    let mut paid = Vec::new();
    for share in payers.join_all().await {
        paid.extend(share?);
    }
    Ok(paid)
}

/// All clients of one payment at once.
async fn for_one(pool: &Pool, prepared: &Prepared, mut dice: Dice) -> anyhow::Result<Vec<Ended>> {
    let mut clients = JoinSet::new();
    for _ in 0..CANCELS {
        let (pool, payment) = (pool.clone(), prepared.payment.clone());
        let dice = Dice::new(dice.next(), "pauses");
        clients.spawn(async move { insist(&pool, &payment, dice).await });
    }
    clients.join_all().await.into_iter().collect()
}

/// Asks with one key until it is not told to wait any more, as a patient client does: never
/// sooner than it was told, and later each time.
async fn insist(pool: &Pool, payment: &str, mut dice: Dice) -> anyhow::Result<Ended> {
    let key = unique_name();
    let begun = Instant::now();
    let mut told_to_wait: u64 = 0;
    let mut more = MORE_MIN_MS;
    loop {
        let asked = pool.cancel(payment, &key).await;
        // Who got no answer asks again; the key makes that safe.
        let wait = match &asked {
            Ok(reply) if !matches!(reply.status, 202 | 409 | 503) => None,
            Ok(reply) => {
                let wait = reply
                    .header("retry-after")
                    .and_then(|wait| wait.parse().ok());
                Some(wait.with_context(|| format!("told to wait for nothing: {reply:?}"))?)
            }
            Err(_) => Some(1),
        };
        let Some(seconds) = wait else {
            return Ok(Ended {
                reply: asked?,
                told_to_wait,
            });
        };
        ensure!(begun.elapsed() < PATIENCE, "told to wait: {asked:?}");
        told_to_wait = told_to_wait.saturating_add(1);
        sleep(Duration::from_secs(seconds).saturating_add(dice.pause(more))).await;
        more = more.saturating_mul(2).min(MORE_MAX_MS);
    }
}

impl Figures {
    /// Counts the ends of one payment's clients: ten have their part, ten are refused for good.
    fn count(&mut self, prepared: &Prepared, ended: &[Ended]) -> Vec<String> {
        let mut kinds: BTreeMap<String, u64> = BTreeMap::new();
        for Ended {
            reply,
            told_to_wait,
        } in ended
        {
            let code = reply.body.get("code").and_then(|code| code.as_str());
            let refused = code.is_some_and(|code| REFUSALS.contains(&code));
            let kind = match reply.status {
                200 => "given back".to_owned(),
                422 if refused => "refused".to_owned(),
                status => format!("{status} {}", reply.body),
            };
            let count = kinds.entry(kind).or_default();
            *count = count.saturating_add(1);
            self.told_to_wait = self.told_to_wait.saturating_add(*told_to_wait);
        }
        let of = |kind: &str| kinds.get(kind).copied().unwrap_or(0);
        let (given, refused) = (of("given back"), of("refused"));
        self.succeeded = self.succeeded.saturating_add(given);
        self.refused = self.refused.saturating_add(refused);
        if (given, refused) == (GIVEN, CANCELS.saturating_sub(GIVEN)) {
            return Vec::new();
        }
        vec![format!("cancels of {} ended {kinds:?}", prepared.payment)]
    }
}

/// What the API shows of a payment of which all was given back in parts.
async fn shown(service: &Service, prepared: &Prepared) -> anyhow::Result<Option<String>> {
    let reply = service.payment(&prepared.payment).await?;
    let cancels = reply.body.pointer("/data/cancels");
    let cancels = cancels.and_then(|cancels| cancels.as_array());
    let whole = reply.data("status") == Some("CANCELED")
        && reply.number("canceledAmount") == Some(AMOUNT)
        && reply.number("balanceAmount") == Some(0)
        && cancels.is_some_and(|cancels| u64::try_from(cancels.len()) == Ok(GIVEN));
    Ok((!whole).then(|| format!("not given back in ten parts: {}", reply.body)))
}

/// What really moved: ten parts of each, together all of it.
async fn at_gateway(
    sandbox: &Sandbox,
    paid: &[Prepared],
    figures: &mut Figures,
) -> anyhow::Result<Vec<String>> {
    let mut parts: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for line in sandbox.ledger().await? {
        if line.kind == Movement::Cancel {
            parts.entry(line.order_id).or_default().push(line.amount);
        }
    }
    let expected = vec![PART; usize::try_from(GIVEN).context("a small number")?];
    let mut breaches = Vec::new();
    for prepared in paid {
        let moved = parts.remove(&prepared.gateway_order).unwrap_or_default();
        let sum: i64 = moved.iter().fold(0, |sum, part| part.saturating_add(sum));
        figures.refunded_at_gateway = figures.refunded_at_gateway.saturating_add(sum);
        if moved != expected {
            breaches.push(format!("the gateway gave back {moved:?} of {prepared:?}"));
        }
    }
    Ok(breaches)
}

#[cfg(test)]
mod tests {
    use reqwest::header::HeaderMap;
    use serde_json::json;

    use super::*;

    fn ended(status: u16, code: &str) -> Ended {
        let reply = Reply {
            status,
            headers: HeaderMap::new(),
            body: json!({ "code": code }),
            took: Duration::ZERO,
        };
        Ended {
            reply,
            told_to_wait: 3,
        }
    }

    fn wrong(given: usize, refused: usize, other: Option<Ended>) -> usize {
        let prepared = Prepared {
            payment: "pay_1".to_owned(),
            gateway_order: "gwo_1".to_owned(),
            amount: AMOUNT,
        };
        let given = (0..given).map(|_| ended(200, "SUCCESS"));
        let refused = (0..refused).map(|_| ended(422, "CANCEL_OVER_BALANCE"));
        let all: Vec<Ended> = given.chain(refused).chain(other).collect();
        Figures::default().count(&prepared, &all).len()
    }

    #[test]
    fn ten_and_ten_and_nothing_else_is_right() {
        assert_eq!(wrong(10, 10, None), 0);
        assert_eq!(wrong(11, 9, None), 1);
        assert_eq!(wrong(9, 11, None), 1);
        assert_eq!(wrong(10, 9, Some(ended(422, "CANCEL_DECLINED"))), 1);
        assert_eq!(wrong(9, 10, Some(ended(500, "INTERNAL"))), 1);
    }
}
