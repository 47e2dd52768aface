//! Owns an intake whose notifications are plain words, and a limiter that counts in virtual time.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::inbox::{Intake, Terms};
use application::ports::inbox::{DepositSecrets, HookReader, Sort, Told};
use application::ports::limiter::{Bucket, Limited, Rate, RateLimiter};
use application::ports::store::Error;
use application::ports::vault::Secret;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::Timestamp;
use domain::id::PaymentId;
use domain::inbox::{Claim, Headers, Kind};
use tokio::time::Instant;

/// How many questions notifications may cost a merchant in a minute.
pub(super) const QUESTIONS: u32 = 60;
/// How many notifications that cannot be read are kept in an hour.
pub(super) const UNREADABLE: u32 = 3;

/// How many are kept in an hour from which nothing can follow.
pub(super) const IDLE: u32 = 20;

/// Reads `hint ORDER moved KEY`, `hint ORDER nothing`, `hint ORDER unclear`, `deposit SECRET ORDER
/// moved KEY`, `gone KEY`, `none` and `signed`, whatever follows. A signature is the key itself.
struct Words;

impl HookReader for Words {
    fn read(&self, body: &[u8], _: &Headers) -> Told {
        let text = String::from_utf8_lossy(body);
        let words: Vec<&str> = text.split(' ').collect();
        let sort = match words.as_slice() {
            ["none", ..] => Sort::NoOrder,
            ["signed", ..] => Sort::Signed,
            ["gone", key, ..] => Sort::KeyGone(Secret::from(*key)),
            ["hint", order, rest @ ..] => Sort::Hint {
                order: (*order).to_owned(),
                claim: match rest {
                    ["moved", key, ..] => Claim::Moved(key.parse().unwrap()),
                    ["nothing", ..] => Claim::NothingTaken,
                    _ => Claim::Unclear,
                },
                secret: None,
            },
            ["deposit", secret, order, "moved", key, ..] => Sort::Hint {
                order: (*order).to_owned(),
                claim: Claim::Moved(key.parse().unwrap()),
                secret: Some(Secret::from(*secret)),
            },
            _ => Sort::Unreadable,
        };
        Told {
            kind: Kind::told(words.first().copied().unwrap_or_default()),
            sort,
        }
    }

    fn renamed(&self, _: &[u8], name: &str) -> Vec<u8> {
        format!("gone {name}").into_bytes()
    }

    fn signed_at(&self, _: &[u8], headers: &Headers, keys: &[Secret]) -> Option<Timestamp> {
        let signature = Secret::from(headers.signature.as_deref()?);
        let time = headers.sent_at.as_deref()?;
        let sent_at = DateTime::parse_from_rfc3339(time).ok()?;
        keys.contains(&signature)
            .then(|| sent_at.with_timezone(&Utc))
    }
}

/// The secrets of accounts for deposits, as a test has them.
#[derive(Default)]
pub(crate) struct Deposits(pub(super) Mutex<HashMap<PaymentId, Secret>>);

#[async_trait]
impl DepositSecrets for Deposits {
    async fn kept(&self, payment: PaymentId) -> Result<Option<Secret>, Error> {
        Ok(self.0.lock().unwrap().get(&payment).cloned())
    }
}

/// Buckets, each as the instant at which it is full again.
#[derive(Default)]
struct Buckets(Mutex<HashMap<Bucket, Instant>>);

#[async_trait]
impl RateLimiter for Buckets {
    async fn take(&self, bucket: Bucket, rate: Rate) -> Result<(), Limited> {
        let now = Instant::now();
        let mut all = self.0.lock().unwrap();
        let full_at = all.entry(bucket).or_insert(now);
        let next = (*full_at).max(now) + rate.per / rate.tokens.get();
        let over = (next - now).checked_sub(rate.per);
        if let Some(retry_after) = over.filter(|over| !over.is_zero()) {
            return Err(Limited { retry_after });
        }
        *full_at = next;
        Ok(())
    }
}

pub(crate) fn intake(deposits: Arc<Deposits>) -> Intake {
    let rate = |tokens, per| {
        let tokens = NonZeroU32::new(tokens).unwrap();
        Some(Rate { tokens, per })
    };
    Intake {
        reader: Arc::new(Words),
        deposits,
        limiter: Arc::new(Buckets::default()),
        terms: Terms {
            questions: rate(QUESTIONS, Duration::from_mins(1)),
            unreadable: rate(UNREADABLE, Duration::from_hours(1)),
            idle: rate(IDLE, Duration::from_hours(1)),
            ..Terms::default()
        },
    }
}
