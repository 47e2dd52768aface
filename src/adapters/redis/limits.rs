//! Owns the token buckets that all copies share: one script, by the time of Redis alone.

use std::sync::Arc;
use std::time::Duration;

use application::ports::limiter::{Bucket, Limited, Rate, RateLimiter};
use async_trait::async_trait;
use domain::principal::Scope;
use redis::Script;

use super::link::Link;
use super::observed::Use;
use crate::adapters::limiter::Buckets;
use crate::adapters::vault::Pouch;

/// A bucket is the instant at which it will be full again, in microseconds. One that is not there
/// is full, and so is one that says what no bucket can. Answers with the microseconds until there
/// is a token, or with 0 and takes one.
const TAKE: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local per = tonumber(ARGV[1])
local each = per / tonumber(ARGV[2])
local missing = (tonumber(redis.call('GET', KEYS[1])) or 0) - now
if not (missing >= 0 and missing <= per) then
  missing = 0
end
missing = missing + each
if missing - per >= 1 then
  return math.ceil(missing - per)
end
redis.call('SET', KEYS[1], string.format('%.2f', now + missing), 'PX', math.ceil(missing / 1000))
return 0
";

/// Buckets in Redis; those of this process while it is away.
pub struct Limits {
    link: Arc<Link>,
    pouch: Arc<Pouch>,
    local: Buckets,
    take: Script,
}

impl Limits {
    /// The buckets that are reached by `link`.
    #[must_use]
    pub fn new(link: Arc<Link>, pouch: Arc<Pouch>) -> Self {
        Self {
            link,
            pouch,
            local: Buckets::default(),
            take: Script::new(TAKE),
        }
    }

    async fn ask(&self, bucket: &Bucket, rate: Rate) -> Option<Duration> {
        let key = format!("{}limit:{}", self.link.settings().prefix, self.name(bucket));
        let mut call = self.take.key(key);
        call.arg(u64::try_from(rate.per.as_micros()).unwrap_or(u64::MAX))
            .arg(rate.tokens.get());
        let asked = self.link.ask(Use::Limit, async |mut connection| {
            call.invoke_async::<u64>(&mut connection).await
        });
        Some(Duration::from_micros(asked.await?))
    }

    /// Tells buckets apart, and nobody who they are of.
    fn name(&self, bucket: &Bucket) -> String {
        let tenant = |scope: &Scope| (scope.merchant.to_string(), scope.mode.as_str());
        match bucket {
            Bucket::Servers(scope) => {
                let (merchant, mode) = tenant(scope);
                self.pouch.name("servers", &[&merchant, mode])
            }
            Bucket::Pages(scope) => {
                let (merchant, mode) = tenant(scope);
                self.pouch.name("pages", &[&merchant, mode])
            }
            Bucket::Member(scope, member) => {
                let (merchant, mode) = tenant(scope);
                let member = member.to_string();
                self.pouch.name("member", &[&merchant, mode, &member])
            }
            Bucket::Address(address) => self.pouch.name("address", &[&address.to_string()]),
            Bucket::Guesses(address) => self.pouch.name("guesses", &[&address.to_string()]),
            Bucket::Hooks(account) => self.pouch.name("hooks", &[&account.to_string()]),
            Bucket::Unreadable(account) => self.pouch.name("unreadable", &[&account.to_string()]),
            Bucket::Idle(account) => self.pouch.name("idle", &[&account.to_string()]),
            Bucket::Unsure(account) => self.pouch.name("unsure", &[&account.to_string()]),
            Bucket::Hints(scope) => {
                let (merchant, mode) = tenant(scope);
                self.pouch.name("hints", &[&merchant, mode])
            }
        }
    }
}

#[async_trait]
impl RateLimiter for Limits {
    async fn take(&self, bucket: Bucket, rate: Rate) -> Result<(), Limited> {
        match self.ask(&bucket, rate).await {
            Some(Duration::ZERO) => Ok(()),
            Some(retry_after) => Err(Limited { retry_after }),
            None => self.local.take(bucket, rate).await,
        }
    }
}
