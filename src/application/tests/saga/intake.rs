//! Owns an intake that nobody tells anything: the scripts are about money.

use std::sync::Arc;

use application::inbox::{Intake, Terms};
use application::ports::inbox::{HookReader, NoneKept, Told};
use application::ports::limiter::{Bucket, Limited, Rate, RateLimiter};
use application::ports::vault::Secret;
use application::ports::{Finding, Tally};
use async_trait::async_trait;
use domain::Timestamp;
use domain::inbox::Headers;

/// Nothing is counted, either.
pub(crate) struct Uncounted;

impl Tally for Uncounted {
    fn found(&self, _: Finding) {}
}

struct Deaf;

impl HookReader for Deaf {
    fn read(&self, _: &[u8], _: &Headers) -> Told {
        Told::default()
    }

    fn renamed(&self, body: &[u8], _: &str) -> Vec<u8> {
        body.to_vec()
    }

    fn signed_at(&self, _: &[u8], _: &Headers, _: &[Secret]) -> Option<Timestamp> {
        None
    }
}

#[async_trait]
impl RateLimiter for Deaf {
    async fn take(&self, _: Bucket, _: Rate) -> Result<(), Limited> {
        Ok(())
    }
}

pub(crate) fn deaf() -> Intake {
    Intake {
        reader: Arc::new(Deaf),
        deposits: Arc::new(NoneKept),
        limiter: Arc::new(Deaf),
        terms: Terms::default(),
    }
}
