//! Owns what all copies know of requests with a key: which are under way, and what they came to.
//!
//! Names tell nothing, and answers are sealed: who reads Redis learns nothing of a payment, and who
//! writes there cannot make an answer. One that was kept for another request cannot be opened.

use std::sync::Arc;
use std::time::Duration;

use application::ports::Repeats;
use application::ports::repeats::{Asked, Heard, Reach, Ticket};
use async_trait::async_trait;
use domain::event::Hash;
use redis::{RedisResult, Script, Value, from_redis_value};

use super::link::Link;
use super::observed::Use;
use crate::adapters::repeats::{InProcess, fresh_ticket};
use crate::adapters::vault::Pouch;

/// The answer, where there is one. Otherwise takes the mark for a ticket, or says for how long
/// somebody else has it. A mark that would stay for longer than any does is nobody's.
const BEGIN: &str = r"
local answer = redis.call('GET', KEYS[2])
if answer then
  return answer
end
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left <= tonumber(ARGV[2]) then
  return left
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return false
";
/// Keeps the answer, where there is one, and gives the mark back if that is whose ticket it is.
const END: &str = r"
if ARGV[2] ~= '' then
  redis.call('SET', KEYS[2], ARGV[2], 'PX', ARGV[3])
end
if redis.call('GET', KEYS[1]) == ARGV[1] then
  redis.call('DEL', KEYS[1])
end
return true
";
/// A larger answer is not kept.
const ANSWER_BYTES_MAX: usize = 16 * 1024;

/// Requests in Redis; those of this process while it is away.
pub struct Shared {
    link: Arc<Link>,
    pouch: Arc<Pouch>,
    local: InProcess,
    begin: Script,
    end: Script,
}

/// Where in Redis it is known of a request.
struct Place {
    name: String,
    under_way: String,
    answer: String,
}

impl Shared {
    /// The requests that are reached by `link`.
    #[must_use]
    pub fn new(link: Arc<Link>, pouch: Arc<Pouch>) -> Self {
        Self {
            local: InProcess::new(link.settings().under_way_max),
            link,
            pouch,
            begin: Script::new(BEGIN),
            end: Script::new(END),
        }
    }

    fn place(&self, asked: &Asked) -> Place {
        let (key, scope) = (&asked.key, asked.key.scope);
        let merchant = scope.merchant.to_string();
        let fingerprint = Hash(asked.fingerprint.0).to_string();
        let parts = [
            merchant.as_str(),
            scope.mode.as_str(),
            &key.member,
            key.key.as_str(),
            &fingerprint,
        ];
        let name = self.pouch.name("request", &parts);
        let prefix = &self.link.settings().prefix;
        Place {
            under_way: format!("{prefix}under-way:{name}"),
            answer: format!("{prefix}answer:{name}"),
            name,
        }
    }

    /// What Redis says; none where it says nothing that makes sense.
    async fn ask(&self, place: &Place, ticket: Ticket) -> Option<Heard> {
        let lifetime = milliseconds(self.link.settings().under_way_max);
        let mut call = self.begin.key(&place.under_way);
        call.key(&place.answer).arg(token(ticket)).arg(lifetime);
        let asked = self.link.ask(Use::Begin, async |mut connection| {
            let told: Value = call.invoke_async(&mut connection).await?;
            RedisResult::Ok(told)
        });
        let told = asked.await?;
        if told == Value::Nil {
            return Some(Heard::Nothing(Some(ticket)));
        }
        if let Value::Int(left) = told {
            let retry_after = Duration::from_millis(u64::try_from(left).ok()?);
            return Some(Heard::UnderWay { retry_after });
        }
        let sealed: Vec<u8> = from_redis_value(told).ok()?;
        let answer = self.pouch.open(&place.name, &sealed)?;
        self.link.observer().spared();
        Some(Heard::Answered(answer.to_vec()))
    }
}

fn token(ticket: Ticket) -> String {
    format!("{:032x}", ticket.0)
}

fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[async_trait]
impl Repeats for Shared {
    async fn begin(&self, asked: &Asked) -> Heard {
        let Some(ticket) = fresh_ticket() else {
            return Heard::Nothing(None);
        };
        match self.ask(&self.place(asked), ticket).await {
            Some(heard) => heard,
            None => self.local.note(asked, ticket),
        }
    }

    async fn end(&self, asked: &Asked, ticket: Ticket, answer: Option<&[u8]>) {
        // Noted in both, perhaps: Redis may have done what it did not say in time.
        self.local.forget(asked, ticket);
        let (place, kept) = (self.place(asked), self.link.settings().answers_kept);
        let answer = answer.filter(|answer| answer.len() <= ANSWER_BYTES_MAX && !kept.is_zero());
        let sealed = answer.and_then(|answer| self.pouch.seal(&place.name, answer));
        let mut call = self.end.key(&place.under_way);
        call.key(&place.answer)
            .arg(token(ticket))
            .arg(sealed.unwrap_or_default())
            .arg(milliseconds(kept));
        let told = self.link.ask(Use::End, async |mut connection| {
            call.invoke_async::<()>(&mut connection).await
        });
        // Where nobody heard it, its time is over soon.
        let _: Option<()> = told.await;
    }

    fn reach(&self) -> Reach {
        if self.link.is_up() {
            Reach::Copies
        } else {
            Reach::Cut
        }
    }
}
