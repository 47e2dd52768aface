//! Owns one try of one delivery, from the secrets to what is committed of it.

use std::sync::Arc;
use std::time::Duration;

use domain::Timestamp;
use domain::trace::Trace;
use domain::webhook::{Attempt, Chance, Change, Delivery, Endpoint, Heard, Outcome};
use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, sleep};
use tracing::field::display;
use tracing::{debug, error, error_span, warn};

use super::dispatch::Desk;
use super::fan_out::written;
use super::lanes::{Lanes, Seat};
use super::{health, message, secrets};
use crate::crash::crash_point;
use crate::ports::courier::{Letter, Receipt};
use crate::ports::store::{Claimed, CommitError, News};
use crate::trace::{Open, Side};

/// The first pause before a commit is tried again; each next one is twice as long.
const PAUSE: Duration = Duration::from_millis(50);

impl Desk {
    /// Makes one try. Whatever happens to this process, the delivery is tried again when its lease
    /// is over.
    pub(super) async fn attempt(
        &self,
        lanes: &Lanes,
        endpoint: Arc<Endpoint>,
        claimed: Claimed,
        seat: Seat,
    ) {
        crash_point!("delivery.after_claim");
        let key = claimed.delivery.key;
        let (begun, at) = (Instant::now(), self.post.clock.now());
        let receipt = self.receipt(&endpoint, &claimed, at).await;
        let took = begun.elapsed();
        let (heard, detail) = match receipt {
            Ok(receipt) => told(receipt),
            Err(unmade) => {
                error!(endpoint = %key.endpoint, event = %key.event, why = unmade.why, "not sent");
                (unanswered(Outcome::Unmade), unmade.shown.to_owned())
            }
        };
        crash_point!("delivery.after_send");
        let detail = kept(detail);
        seat.learn(heard.outcome == Outcome::Taken, took);
        if let Some(peace) = heard.peace() {
            lanes.hush(endpoint.id, peace);
        }
        let now = self.post.clock.now();
        let ladder = &self.post.terms.ladder;
        let next = claimed.delivery.tried(&heard, ladder, now, self.chance());
        debug!(endpoint = %key.endpoint, event = %key.event, outcome = %heard.outcome, "tried");
        let attempt = Attempt {
            key,
            number: next.tries,
            at,
            took,
            outcome: heard.outcome,
            status: heard.status,
            detail,
        };
        self.settle(&claimed.delivery, next, attempt).await;
        crash_point!("delivery.after_commit");
        let tried = health::Tried {
            outcome: heard.outcome,
            began_at: claimed.delivery.began_at,
            now,
        };
        let dead_after = self.post.terms.dead_after;
        health::note(self.store.as_ref(), &endpoint, tried, dead_after).await;
    }

    async fn receipt(
        &self,
        endpoint: &Endpoint,
        claimed: &Claimed,
        at: Timestamp,
    ) -> Result<Receipt, Unmade> {
        let secrets = secrets::in_use(self.post.vault.as_ref(), endpoint, at).await;
        let secrets = secrets.map_err(|error| Unmade {
            shown: "the message cannot be signed",
            why: error.to_string(),
        })?;
        let news = claimed.news.as_ref().map_err(|why| Unmade {
            shown: "the event cannot be read",
            why: why.clone(),
        })?;
        let body = match news {
            News::Event(event) => message::body(event).map_err(|why| Unmade {
                shown: "the message would be too long",
                why,
            }),
            // Endpoints are told of those beside them: both are of one mode.
            News::Note(note) => {
                message::disabled(note, endpoint.scope.mode).ok_or_else(|| Unmade {
                    shown: "the event cannot be read",
                    why: format!("nobody is told that an endpoint was {}", note.deed),
                })
            }
        }?;
        let id = claimed.delivery.key.event.to_string();
        let open = sending(news, &id);
        let letter = Letter {
            url: endpoint.url.as_str(),
            id: &id,
            at,
            secrets: &secrets,
            body: &body,
            trace: open.as_ref().map(Open::trace),
        };
        let receipt = self.post.courier.deliver(letter).await;
        if let Some(mut open) = open {
            told_of(&mut open, &receipt);
        }
        Ok(receipt)
    }

    /// Commits what a try came to, under the fence. While the store is away it is tried for half of
    /// the lease; after that, or where somebody else has the delivery, it is tried once more than
    /// it had to be.
    async fn settle(&self, delivery: &Delivery, next: Delivery, attempt: Attempt) {
        let key = delivery.key;
        let changes = [
            written(Change::UpdateDelivery {
                delivery: Box::new(next),
                expected: delivery.version,
            }),
            written(Change::LogAttempt(Box::new(attempt))),
        ];
        let begun = Instant::now();
        let patience = self.post.terms.lease.checked_div(2).unwrap_or_default();
        let mut pause = PAUSE;
        loop {
            let why = match self.store.commit(&changes).await {
                Ok(()) => return,
                Err(error @ CommitError::Conflict) => {
                    // After a doubtful commit that went through, this is our own.
                    debug!(endpoint = %key.endpoint, event = %key.event, %error, "not ours now");
                    return;
                }
                Err(error) => error,
            };
            let spent = begun.elapsed();
            if spent.saturating_add(pause) > patience {
                warn!(endpoint = %key.endpoint, event = %key.event, %why, "a try is not noted");
                return;
            }
            sleep(pause).await;
            pause = pause.saturating_mul(2);
        }
    }

    fn chance(&self) -> Chance {
        let drawn = Sha256::digest(self.ids.draw().as_str().as_bytes());
        let [a, b, c, d, ..]: [u8; 32] = drawn.into();
        Chance(u32::from_be_bytes([a, b, c, d]))
    }
}

/// What every line says that is written while a delivery is tried.
pub(super) fn lines_of(claimed: &Claimed) -> tracing::Span {
    let trace_id = match &claimed.news {
        Ok(News::Event(event)) => Some(display(event.trace.id())),
        Ok(News::Note(_)) | Err(_) => None,
    };
    error_span!("delivery", event = %claimed.delivery.key.event, trace_id)
}

/// The span of one try; a note of an endpoint belongs to no trace.
fn sending(news: &News, message: &str) -> Option<Open> {
    let trace = match news {
        News::Event(event) => event.trace,
        News::Note(_) => return None,
    };
    let mut open = Open::under(trace, "webhook", Side::Asks);
    open.shown("payflow.message.id", &message);
    Some(open).filter(|_| trace != Trace::NONE)
}

/// What a span says of a receipt: where to, and what was answered, is its merchant's alone.
fn told_of(open: &mut Open, receipt: &Receipt) {
    match receipt {
        Receipt::Taken(reply) => open.number("http.response.status_code", reply.status),
        Receipt::Gone(reply) | Receipt::Refused { reply, .. } => {
            open.number("http.response.status_code", reply.status);
            open.fail();
        }
        Receipt::Unanswered(_) | Receipt::Forbidden(_) => open.fail(),
    }
}

/// Why nothing could be sent: what its merchant is shown, and what the operator is told.
struct Unmade {
    shown: &'static str,
    why: String,
}

/// A try to which there is no answer.
const fn unanswered(outcome: Outcome) -> Heard {
    Heard {
        outcome,
        status: None,
        retry_after: None,
    }
}

/// What a receiver says is kept for its merchant's eyes, unless it holds what must not be stored.
fn kept(detail: String) -> String {
    if domain::card::is_in(&detail) {
        "it holds a card number, and is not kept".to_owned()
    } else {
        detail
    }
}

/// What follows from a receipt, and what its merchant is shown of it.
fn told(receipt: Receipt) -> (Heard, String) {
    let heard = |outcome, status| Heard {
        status: Some(status),
        ..unanswered(outcome)
    };
    match receipt {
        Receipt::Taken(reply) => (heard(Outcome::Taken, reply.status), reply.excerpt),
        Receipt::Gone(reply) => (heard(Outcome::Gone, reply.status), reply.excerpt),
        Receipt::Refused { reply, retry_after } => {
            let heard = Heard {
                retry_after,
                ..heard(Outcome::Refused, reply.status)
            };
            (heard, reply.excerpt)
        }
        Receipt::Unanswered(why) => (unanswered(Outcome::Unanswered), why),
        Receipt::Forbidden(why) => (unanswered(Outcome::Forbidden), why),
    }
}
