//! Owns an intake whose notifications are plain words, and a limiter that counts in virtual time.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use application::inbox::{Intake, Terms};
use application::ports::inbox::{HookReader, Sort, Told};
use application::ports::limiter::{Bucket, Limited, Rate, RateLimiter};
use application::ports::vault::Secret;
use async_trait::async_trait;
use domain::inbox::{Claim, Headers, Kind};
use tokio::time::Instant;

/// How many questions notifications may cost a merchant in a minute.
pub(super) const QUESTIONS: u32 = 60;
/// How many notifications that cannot be read are kept in an hour.
pub(super) const UNREADABLE: u32 = 3;

/// Reads `hint ORDER moved KEY`, `hint ORDER nothing`, `hint ORDER unclear`, `gone KEY`, `none` and
/// `signed`, whatever follows.
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

pub(crate) fn intake() -> Intake {
    let rate = |tokens, per| {
        let tokens = NonZeroU32::new(tokens).unwrap();
        Some(Rate { tokens, per })
    };
    Intake {
        reader: Arc::new(Words),
        limiter: Arc::new(Buckets::default()),
        terms: Terms {
            questions: rate(QUESTIONS, Duration::from_mins(1)),
            unreadable: rate(UNREADABLE, Duration::from_hours(1)),
            ..Terms::default()
        },
    }
}
