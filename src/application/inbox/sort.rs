//! Owns sorting what came in: what it is, which payment of ours it hints at, and whether the books
//! have already what it claims.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use domain::Timestamp;
use domain::change::{Change, Hold};
use domain::id::{GatewayAccountId, GatewayOrderId, PaymentId};
use domain::inbox::{self, Claim, Hint, Inbound, Raised, Verdict};
use domain::ledger::Entry;
use domain::payment::Payment;
use domain::saga::Saga;
use domain::text::TransactionKey;
use tracing::{debug, error, info, warn};

use super::sealed::{Merchants, Unopened};
use super::verify::Signed;
use crate::crash::crash_point;
use crate::idempotency::later;
use crate::ports::inbox::Sort;
use crate::ports::store::{CommitError, Error};
use crate::ports::vault::{self, Secret};
use crate::{App, WalletError};

/// How long what cannot be sorted waits before it is tried again.
const MENDING: Duration = Duration::from_mins(5);

/// For how long what does not open is tried. What is not ours to mend by then is parked: it can be
/// sorted again (`payflow inbox replay`), and the watch finds by itself what it told of.
const OPENED_WITHIN: Duration = Duration::from_hours(24);

/// Sorting asks nobody: it is held for so much less than a hint.
const SHARE: u32 = 3;

/// A notification, and what it says.
struct Letter {
    inbound: Inbound,
    body: Vec<u8>,
}

/// What a notification comes to.
struct Sorted {
    verdict: Verdict,
    payment: Option<PaymentId>,
    raised: Option<Raised>,
}

impl From<Verdict> for Sorted {
    fn from(verdict: Verdict) -> Self {
        Self {
            verdict,
            payment: None,
            raised: None,
        }
    }
}

fn written(change: inbox::Change) -> Change {
    Change::Inbox(Box::new(change))
}

fn updated(inbound: &Inbound, next: Inbound) -> Change {
    written(inbox::Change::Update {
        inbound: Box::new(next),
        expected: inbound.version,
    })
}

impl App {
    /// One pass over notifications that are due; how many there were.
    ///
    /// # Errors
    /// The store is away.
    pub async fn sort_inbox(&self) -> Result<u64, Error> {
        let now = self.parts.post.clock.now();
        let limit = self.parts.bounds.pass_rows;
        let lease = self.parts.intake.terms.lease;
        let hold = Hold {
            lease: lease.checked_div(SHARE).unwrap_or(lease),
            ..self.runner.hold()
        };
        let inbox = self.parts.store.inbox();
        let due = inbox.claim_inbounds(now, hold, limit).await?;
        crash_point!("inbox.after_claim");
        let count = u64::try_from(due.len()).unwrap_or(u64::MAX);
        let due = self.read(due, now).await?;
        let own = self.own_orders_in(&due).await?;
        if due.is_empty() || self.sort(&due, &own, now).await.is_ok() {
            return Ok(count);
        }
        // A look at one of their payments came between, or one of them cannot be written.
        for letter in due {
            self.sort_one(letter, &own, now).await?;
        }
        Ok(count)
    }

    /// Those that can be read now; the others wait, and not for ever.
    async fn read(&self, due: Vec<Inbound>, now: Timestamp) -> Result<Vec<Letter>, Error> {
        let mut letters = Vec::with_capacity(due.len());
        // Many of a pass are of one account.
        let mut merchants = Merchants::default();
        for inbound in due {
            match self.opened_body(&inbound, &mut merchants).await {
                Ok(body) => letters.push(Letter { inbound, body }),
                Err(Unopened::Vault(vault::Error::Store(error))) => return Err(error),
                // A copy may lack a master key that others have, or its settings be mended: at its
                // first try nothing is given up, however long it has waited for one.
                Err(why)
                    if now < later(inbound.received_at, OPENED_WITHIN)
                        || inbound.due_at < later(inbound.received_at, MENDING) =>
                {
                    error!(notification = %inbound.id, %why, "a notification cannot be read");
                    self.put_off(inbound, later(now, MENDING)).await?;
                }
                Err(why) => {
                    error!(notification = %inbound.id, %why, "a notification is given up");
                    let parked = inbound.clone().judged(Verdict::Unreadable, None);
                    self.put(&inbound, parked).await?;
                }
            }
        }
        Ok(letters)
    }

    /// Sorts one by itself, again when others were faster; it is given back where they always are.
    async fn sort_one(
        &self,
        letter: Letter,
        own: &BTreeSet<(GatewayAccountId, GatewayOrderId)>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let id = letter.inbound.id;
        for _ in 0..self.parts.bounds.conflicts_max {
            match self.sort(std::slice::from_ref(&letter), own, now).await {
                Ok(()) => return Ok(()),
                Err(CommitError::Conflict | CommitError::InDoubt) => {}
                Err(CommitError::Store(away @ Error::Unavailable(_))) => return Err(away),
                Err(CommitError::Store(why)) => {
                    error!(notification = %id, %why, "a notification cannot be sorted");
                    return self.put_off(letter.inbound, later(now, MENDING)).await;
                }
            }
        }
        debug!(notification = %id, "sorted by somebody else, or next time");
        self.put_off(letter.inbound, now).await
    }

    /// Which of the orders that are named are of payments of the account that they came in for.
    async fn own_orders_in(
        &self,
        due: &[Letter],
    ) -> Result<BTreeSet<(GatewayAccountId, GatewayOrderId)>, Error> {
        let mut named: BTreeMap<GatewayAccountId, BTreeSet<GatewayOrderId>> = BTreeMap::new();
        for letter in due {
            if let Sort::Hint { order, .. } = self.told(letter)
                && let Ok(order) = order.parse()
            {
                named
                    .entry(letter.inbound.account)
                    .or_default()
                    .insert(order);
            }
        }
        let mut own = BTreeSet::new();
        for (account, orders) in named {
            let orders: Vec<GatewayOrderId> = orders.into_iter().collect();
            let found = self.parts.store.own_orders(account, &orders).await?;
            own.extend(found.into_iter().map(|order| (account, order)));
        }
        Ok(own)
    }

    fn told(&self, letter: &Letter) -> Sort {
        let reader = &self.parts.intake.reader;
        reader.read(&letter.body, &letter.inbound.headers).sort
    }

    /// Writes what became of all of these, and the hints that they are, in one commit.
    async fn sort(
        &self,
        due: &[Letter],
        own: &BTreeSet<(GatewayAccountId, GatewayOrderId)>,
        now: Timestamp,
    ) -> Result<(), CommitError> {
        let mut changes = Vec::with_capacity(due.len());
        let mut raised: BTreeMap<PaymentId, Raised> = BTreeMap::new();
        for letter in due {
            let sorted = self.sorted(letter, own).await?;
            let inbound = &letter.inbound;
            info!(
                notification = %inbound.id,
                account = %inbound.account,
                kind = %inbound.kind,
                verdict = %sorted.verdict,
                payment = sorted.payment.map(tracing::field::display),
                "notification sorted"
            );
            let next = if sorted.verdict == Verdict::Waiting {
                inbound.clone().waiting(later(now, MENDING))
            } else {
                inbound.clone().judged(sorted.verdict, sorted.payment)
            };
            changes.push(updated(inbound, next));
            if let Some(said) = sorted.raised {
                let known = raised.entry(said.payment).or_insert_with(|| said.clone());
                // Two that claim different things cannot both be compared.
                if known.claim != said.claim {
                    known.claim = Claim::Unclear;
                }
                known.order = said.order;
            }
        }
        for (payment, raised) in raised {
            changes.push(self.hinting(payment, raised, now).await?);
        }
        crash_point!("inbox.before_sort_commit");
        self.parts.store.commit(&changes).await?;
        crash_point!("inbox.after_sort_commit");
        Ok(())
    }

    async fn hinting(
        &self,
        payment: PaymentId,
        raised: Raised,
        now: Timestamp,
    ) -> Result<Change, Error> {
        let known = self.parts.store.inbox().hint(payment).await?;
        Ok(written(match known {
            None => inbox::Change::InsertHint(Box::new(Hint::first(raised, now))),
            Some(hint) => inbox::Change::UpdateHint {
                expected: hint.version,
                hint: Box::new(hint.again(raised, now, self.parts.timings.question_gap)),
            },
        }))
    }

    async fn sorted(
        &self,
        letter: &Letter,
        own: &BTreeSet<(GatewayAccountId, GatewayOrderId)>,
    ) -> Result<Sorted, Error> {
        let account = letter.inbound.account;
        let (order, claim, secret) = match self.told(letter) {
            Sort::Unreadable => return Ok(Verdict::Unreadable.into()),
            Sort::NoOrder => return Ok(Verdict::NoOrder.into()),
            Sort::Signed => {
                let signed = Signed {
                    account,
                    headers: &letter.inbound.headers,
                    body: &letter.body,
                    received_at: letter.inbound.received_at,
                };
                return Ok(self.verified(&signed).await?.into());
            }
            Sort::KeyGone(key) => return Ok(self.without_key(account, &key).await?.into()),
            Sort::Hint {
                order,
                claim,
                secret,
            } => (order, claim, secret),
        };
        let order = order.parse().ok();
        let order = order.filter(|order| own.contains(&(account, *order)));
        let Some(order): Option<GatewayOrderId> = order else {
            return Ok(Verdict::UnknownOrder.into());
        };
        let store = &self.parts.store;
        let opened = store.gateway_order(order).await?;
        let Some(opened) = opened else {
            return Ok(Verdict::UnknownOrder.into());
        };
        let payment = store.any_payment(opened.payment).await?;
        let Some(payment) = payment.filter(|payment| payment.facts.account == account) else {
            return Ok(Verdict::UnknownOrder.into());
        };
        // Who does not know what the gateway gave us with the account is not the gateway.
        let kept = match &secret {
            Some(_) => self.parts.intake.deposits.kept(opened.payment).await?,
            None => None,
        };
        if kept.is_some() && kept != secret {
            return Ok(Sorted {
                payment: Some(opened.payment),
                ..Verdict::Forged.into()
            });
        }
        let sagas = store.sagas_of(opened.payment).await?;
        let is_known = self.is_in_books(&payment, &sagas, &claim).await?;
        let raised = Raised {
            payment: opened.payment,
            account,
            order,
            claim,
        };
        Ok(Sorted {
            verdict: if is_known {
                Verdict::Known
            } else {
                Verdict::Hinted
            },
            payment: Some(opened.payment),
            raised: (!is_known).then_some(raised),
        })
    }

    /// The card is charged no more, where it is one of this account's. It is written before the
    /// verdict is: a crash between the two has the key looked for once more, in vain.
    async fn without_key(&self, account: GatewayAccountId, key: &Secret) -> Result<Verdict, Error> {
        let Some(account) = self.parts.store.gateway_account(account).await? else {
            return Ok(Verdict::NoOrder);
        };
        match self.card_is_gone(&account, key).await {
            Ok(true) => Ok(Verdict::KeyGone),
            Ok(false) => Ok(Verdict::NoOrder),
            Err(WalletError::Store(error)) => Err(error),
            // A charge with it is under way, most likely: what comes of that is waited for.
            Err(error) => {
                warn!(account = %account.id, %error, "a key that is told to be gone is kept");
                Ok(Verdict::Waiting)
            }
        }
    }

    /// Whether the books have what is claimed, and nobody is at work on the payment. Then whoever
    /// claims it tells nothing new, and may be lying for all it matters.
    pub(super) async fn is_in_books(
        &self,
        payment: &Payment,
        sagas: &[Saga],
        claim: &Claim,
    ) -> Result<bool, Error> {
        if payment.state.saga().is_some() || sagas.iter().any(|saga| !saga.is_closed()) {
            return Ok(false);
        }
        // What was given back is booked, and whether the buyer has it is not known yet.
        if *claim == Claim::Unclear || payment.awaits_refund() {
            return Ok(false);
        }
        let entries = self.parts.store.entries(payment.facts.id).await?;
        Ok(match claim {
            Claim::Unclear => false,
            Claim::NothingTaken => entries.is_empty(),
            Claim::Moved(key) => is_booked(key, &entries),
        })
    }

    /// What cannot be sorted waits behind the others, and does not keep them from it.
    async fn put_off(&self, inbound: Inbound, due_at: Timestamp) -> Result<(), Error> {
        let next = inbound.clone().waiting(due_at);
        self.put(&inbound, next).await
    }

    /// Others may be first.
    async fn put(&self, inbound: &Inbound, next: Inbound) -> Result<(), Error> {
        match self.parts.store.commit(&[updated(inbound, next)]).await {
            Ok(()) | Err(CommitError::Conflict | CommitError::InDoubt) => Ok(()),
            Err(CommitError::Store(error)) => Err(error),
        }
    }
}

/// Whether this movement is in the books, and was not taken back since: what is told of a deposit
/// that is gone by our books is asked about.
fn is_booked(key: &TransactionKey, entries: &[Entry]) -> bool {
    let is_gone = |entry: &Entry| {
        let reversal = entry.movement.taken_back_by();
        reversal.is_some_and(|reversal| entries.iter().any(|other| other.movement == reversal))
    };
    let mut named = entries
        .iter()
        .filter(|entry| entry.transaction_key.as_ref() == Some(key))
        .peekable();
    named.peek().is_some() && !named.any(is_gone)
}
