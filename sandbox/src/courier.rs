//! Owns how webhooks travel: each is tried until it is taken, on the gateway's ladder of pauses.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use reqwest::Client;
use reqwest::header::CONTENT_TYPE;
use reqwest::redirect::Policy;
use tokio::task::JoinSet;

use crate::clock::{Timestamp, api_date};
use crate::config::{Settings, WebhookSuccess};
use crate::journal::Broken;
use crate::objects::webhook;
use crate::operations::look_at_all;
use crate::sandbox::Sandbox;
use crate::state::fact::Fact;
use crate::state::hooks::{Delivery, Next, Try};

/// The pauses after the first failure, the second, and so on (`toss-api.md` §15.1).
const PAUSES_MINUTES: [i64; 7] = [1, 4, 16, 64, 256, 1024, 4096];

/// How many travel at once.
const UNDER_WAY_MAX: usize = 16;

/// How long the courier rests at most: payments run out of time although nobody asks.
const REST_MILLISECONDS: u64 = 1000;

/// Carries what is due until the sandbox stops; no answer of the API ever waits for it.
pub(crate) async fn carry(sandbox: Arc<Sandbox>) {
    let mut client = None;
    let mut under_way = JoinSet::new();
    let mut sequences = HashSet::new();
    let mut looked_at = Timestamp::MIN_UTC;
    loop {
        let Ok((due, rest)) = due(&sandbox, &sequences, &mut looked_at).await else {
            return;
        };
        for delivery in due {
            let client = client.get_or_insert_with(|| build(&sandbox.config.settings));
            sequences.insert(delivery.sequence);
            under_way.spawn(deliver(Arc::clone(&sandbox), client.clone(), delivery));
        }
        tokio::select! {
            Some(done) = under_way.join_next() => match done {
                Ok(Ok(sequence)) => { sequences.remove(&sequence); }
                Ok(Err(Broken)) => return,
                // The set is dropped with this task, and nothing in it panics.
                Err(error) => tracing::error!(%error, "a webhook was not carried to its end"),
            },
            () = sandbox.store.mailer.wake.notified() => {}
            () = tokio::time::sleep(rest) => {}
            () = sandbox.stop.cancelled() => return,
        }
    }
}

/// What is to leave now, as far as there is room, and how long to rest otherwise.
async fn due(
    sandbox: &Sandbox,
    under_way: &HashSet<u64>,
    looked_at: &mut Timestamp,
) -> Result<(Vec<Delivery>, Duration), Broken> {
    let context = sandbox.context(None);
    let room = UNDER_WAY_MAX.saturating_sub(under_way.len());
    let longest = Duration::from_millis(REST_MILLISECONDS);
    // What is taken here is on disk before it leaves: nobody is told what a crash undoes.
    sandbox
        .store
        .commit(|all| {
            let now = all.now();
            // Looking at all payments takes its time: not for every webhook that comes up.
            let elapsed = now.signed_duration_since(*looked_at).to_std();
            if all.state().hooks.any() && elapsed.is_ok_and(|elapsed| elapsed >= longest) {
                *looked_at = now;
                look_at_all(all, context);
            }
            let waiting = all.state().hooks.waiting();
            let free = waiting.filter(|(_, delivery)| !under_way.contains(&delivery.sequence));
            let mut due = Vec::new();
            for (at, delivery) in free {
                if at > now {
                    let rest = at.signed_duration_since(now).to_std().unwrap_or_default();
                    return (due, rest.min(longest));
                }
                if due.len() == room {
                    break;
                }
                due.push(delivery.clone());
            }
            (due, longest)
        })
        .await
}

/// Tries once, and says what came of it.
async fn deliver(sandbox: Arc<Sandbox>, client: Client, delivery: Delivery) -> Result<u64, Broken> {
    let at = sandbox.clock.now();
    let answered = send(&sandbox, &client, &delivery, at).await;
    let settings = &sandbox.config.settings;
    let (status, problem) = match answered {
        Ok(status) => (Some(status), None),
        Err(error) => (None, Some(error.without_url().to_string())),
    };
    let taken = status.is_some_and(|status| match settings.webhook_success {
        WebhookSuccess::Only200 => status == 200,
        WebhookSuccess::Any2xx => (200..300).contains(&status),
    });
    let sequence = delivery.sequence;
    let made = Try {
        at,
        status,
        problem,
    };
    sandbox
        .store
        .commit(|all| {
            let tries = all.state().hooks.delivery(sequence);
            let failed = tries.map_or(0, |delivery| delivery.tries.len());
            let next = match pause(failed, settings) {
                _ if taken => Next::Delivered,
                None => Next::Failed,
                Some(pause) => Next::Again {
                    at: all.now().checked_add_signed(pause).unwrap_or(all.now()),
                },
            };
            all.record(Fact::Tried {
                sequence,
                made,
                next,
            });
        })
        .await?;
    Ok(sequence)
}

/// How long to wait after so many earlier failures; nothing once there were enough.
fn pause(failed: usize, settings: &Settings) -> Option<TimeDelta> {
    let minutes = PAUSES_MINUTES.get(failed)?;
    let milliseconds = minutes.saturating_mul(settings.webhook_minute_milliseconds);
    Some(TimeDelta::milliseconds(milliseconds))
}

async fn send(
    sandbox: &Sandbox,
    client: &Client,
    delivery: &Delivery,
    at: Timestamp,
) -> reqwest::Result<u16> {
    let time = api_date(at);
    let mut request = client
        .post(&delivery.url)
        .header(CONTENT_TYPE, "application/json")
        .header("tosspayments-webhook-transmission-time", &time)
        .header(
            "tosspayments-webhook-transmission-retried-count",
            delivery.tries.len(),
        )
        .header(
            "tosspayments-webhook-transmission-id",
            &delivery.transmission_id,
        );
    if delivery.event.is_signed() {
        let signature = webhook::signature(&delivery.body, &time, &sandbox.config);
        request = request.header("tosspayments-webhook-signature", signature);
    }
    let answered = request.body(delivery.body.clone()).send().await?;
    Ok(answered.status().as_u16())
}

/// A client that follows nobody elsewhere and waits as long as the gateway does.
fn build(settings: &Settings) -> Client {
    let seconds = settings.webhook_timeout_seconds.unsigned_abs();
    Client::builder()
        .timeout(Duration::from_secs(seconds))
        .redirect(Policy::none())
        .no_proxy()
        .build()
        .expect("a client with these settings can be built")
}
