//! Owns outages over simulated years: again and again nobody charges for days or months, by kill or
//! by freeze, and each time all that came due meanwhile is dealt with as its plan says.
//!
//! Time does not pass by a clock that everybody obeys; all dates are moved back instead, which is
//! the same to whoever compares them with the present.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use tokio::time::{Instant, sleep};

use super::copies::drained_within;
use super::members::{self, Fate, Member};
use super::past::{self, Span};
use super::{BILLING, compare, troubles};
use crate::books::{Books, Cycle, Target};
use crate::chaos::aftermath::{SETTINGS, Verdict, milliseconds};
use crate::chaos::rounds::{Counts, Round, Rounds};
use crate::output;
use crate::random::Dice;
use crate::stand::Stand;

const DAYS_MAX: u64 = 120;
/// One of so many outages is a kill; the others are freezes.
const KILL_ONE_OF: u64 = 4;
/// One of so many catch-ups is cut short by another kill.
const AGAIN_ONE_OF: u64 = 5;
const AGAIN_MAX_MS: u64 = 600;
const PATIENCE: Duration = Duration::from_mins(2);

/// Has nobody charge for days or months, again and again, and checks each catch-up.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    rounds: Rounds,
    /// How many outages in each round.
    #[arg(long, default_value_t = 20)]
    outages: u64,
    /// How many members with a card and a subscription.
    #[arg(long, default_value_t = 10)]
    members: usize,
    /// How many of a thousand calls to the gateway go wrong, about.
    #[arg(long, default_value_t = 40)]
    faults: u64,
}

/// Plays all rounds; whether nothing was wrong.
pub(crate) async fn run(arguments: &Arguments) -> anyhow::Result<bool> {
    let round = async |seed| round(arguments, seed).await;
    arguments.rounds.play("downtime", round).await
}

async fn round(arguments: &Arguments, seed: u64) -> anyhow::Result<Round> {
    let settings = [SETTINGS, BILLING].concat();
    let mut stand = Stand::build(&arguments.rounds.parts, &settings, Duration::ZERO).await?;
    let service = stand.start().await?;
    members::offer(&stand).await?;
    let members = members::join(&stand, &service, arguments.members).await?;
    let mut dice = Dice::new(seed, "downtime");
    let (mut counts, mut verdict) = (Counts::default(), Verdict::default());
    if arguments.faults > 0 {
        let faults = troubles(dice.next(), arguments.faults);
        stand.sandbox.add_faults(&faults).await?;
    }
    let begun = Instant::now();
    let mut before = Resolved::default();
    for _ in 0..arguments.outages {
        outage(&mut stand, &mut dice, &mut counts).await?;
        let now = past::now();
        let drained = drained_within(&stand, PATIENCE).await?;
        ensure!(drained, "something is left to do\n{}", stand.tail());
        let books = Books::read(&stand.target()).await?;
        before = caught_up(&books, (&members, &before), now, &mut verdict)?;
        if !verdict.breaches.is_empty() {
            output::say(&stand.tail());
            break;
        }
    }
    stand.kill().await?;
    verdict.settled_milliseconds = Some(milliseconds(begun.elapsed()));
    let books = compare(&stand, &mut verdict).await?;
    for status in ["PAID", "SKIPPED"] {
        let count = books.cycles.iter().filter(|cycle| cycle.status == status);
        let name = format!("cycles {}", status.to_lowercase());
        counts.add(&name, u64::try_from(count.count())?);
    }
    if counts.of("cycles paid") == 0 {
        verdict.breaches.push("nothing came due".to_owned());
    }
    stand.dismantle().await?;
    Ok(Round { counts, verdict })
}

/// Nobody is there for up to months; then somebody is, now and then not for long.
async fn outage(stand: &mut Stand, dice: &mut Dice, counts: &mut Counts) -> anyhow::Result<()> {
    let days = dice.between(1, DAYS_MAX);
    // Who is frozen may hold the only right to write to a file.
    let is_file = matches!(stand.target(), Target::Sqlite(_));
    let is_kill = dice.below(KILL_ONE_OF) == 0 || is_file;
    if is_kill {
        stand.kill().await?;
    } else {
        stand.process()?.freeze().await?;
    }
    past::move_back(&stand.target(), Span::Days(days), None).await?;
    if is_kill {
        counts.add("kills", 1);
        stand.start().await?;
    } else {
        counts.add("freezes", 1);
        stand.process()?.thaw()?;
    }
    if dice.below(AGAIN_ONE_OF) == 0 {
        sleep(dice.pause(AGAIN_MAX_MS)).await;
        stand.kill().await?;
        counts.add("kills while catching up", 1);
        stand.start().await?;
    }
    counts.add("outages", 1);
    counts.add("days", days);
    Ok(())
}

/// How many cycles of each subscription are resolved.
type Resolved = BTreeMap<String, usize>;

/// What came due since `before` was dealt with as its plan says: each charged, or the newest one,
/// and nothing of whose card was lost. All that was due at `now` was dealt with.
fn caught_up(
    books: &Books,
    (members, before): (&[Member], &Resolved),
    now: i64,
    verdict: &mut Verdict,
) -> anyhow::Result<Resolved> {
    let mut cycles: BTreeMap<&str, Vec<&Cycle>> = BTreeMap::new();
    for cycle in &books.cycles {
        cycles.entry(&cycle.subscription).or_default().push(cycle);
    }
    let mut resolved = Resolved::new();
    for member in members {
        let id = &member.subscription;
        let subscription = books.subscriptions.get(id).context("a subscription")?;
        let all = cycles.remove(&**id).unwrap_or_default();
        let known = before.get(id).copied().unwrap_or_default();
        let (last, earlier) = all.split_last().context("a cycle")?;
        let came = earlier.get(known..).unwrap_or_default().iter();
        let standing = Standing {
            came: came.map(|cycle| &*cycle.status).collect(),
            last: &last.status,
            is_due: last.due_at <= now,
            status: &subscription.status,
        };
        if !standing.is_by_plan(member.fate) {
            let what = format!("{:?}: {standing:?} of {subscription:?}", member.fate);
            verdict.breaches.push(what);
        }
        resolved.insert(id.clone(), earlier.len().max(known));
    }
    Ok(resolved)
}

/// How a subscription stands after an outage.
#[derive(Debug)]
struct Standing<'a> {
    /// How the cycles ended that came due in it, but the last one that there is.
    came: Vec<&'a str>,
    /// The last one that there is: it is to come, or was given up.
    last: &'a str,
    /// Whether that was due, too.
    is_due: bool,
    /// The subscription's own.
    status: &'a str,
}

impl Standing<'_> {
    /// Whether that is what the plan and the card say.
    fn is_by_plan(&self, fate: Fate) -> bool {
        let goes_on = self.last == "WAITING" && !self.is_due;
        match (fate, self.came.split_last()) {
            (Fate::Lost, Some(_)) => false,
            (Fate::Lost, None) if self.is_due => self.last == "FAILED" && self.status == "EXPIRED",
            (Fate::Each | Fate::Newest | Fate::Lost, None) => {
                goes_on && matches!(self.status, "PENDING" | "ACTIVE")
            }
            (Fate::Each, Some(_)) => {
                let all_paid = self.came.iter().all(|status| *status == "PAID");
                all_paid && goes_on && self.status == "ACTIVE"
            }
            (Fate::Newest, Some((newest, missed))) => {
                let left_out = missed.iter().all(|status| *status == "SKIPPED");
                *newest == "PAID" && left_out && goes_on && self.status == "ACTIVE"
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Subscription;

    const NOW: i64 = 1_000;

    /// What is wrong with one member's books: its cycles' ends, the last one's, and its own status.
    fn wrong(fate: Fate, came: &[&str], last: (&str, i64), status: &str) -> Vec<String> {
        let text = |text: &str| text.to_owned();
        let member = Member {
            fate,
            name: text("member"),
            customer: text("customer"),
            billing_key: text("bkey_1"),
            subscription: text("sub_1"),
        };
        let subscription = Subscription {
            id: text("sub_1"),
            merchant: text("mer_1"),
            mode: text("test"),
            plan: text("each"),
            billing_key: text("bkey_1"),
            anchor: text("2026-01-01T00:00:00"),
            zone: text("Asia/Seoul"),
            status: text(status),
            version: 1,
        };
        let mut books = Books::default();
        books.subscriptions.insert(text("sub_1"), subscription);
        let before = came.iter().map(|status| (*status, 0));
        for (number, (status, due_at)) in (1..).zip(before.chain([last])) {
            books.cycles.push(Cycle {
                subscription: text("sub_1"),
                number,
                due_at,
                currency: text("KRW"),
                amount: 1,
                status: text(status),
                payment: None,
            });
        }
        let mut verdict = Verdict::default();
        let known = (&[member][..], &Resolved::new());
        let resolved = caught_up(&books, known, NOW, &mut verdict).unwrap();
        assert_eq!(resolved["sub_1"], came.len());
        verdict.breaches
    }

    #[track_caller]
    fn is_right(fate: Fate, came: &[&str], last: (&str, i64), status: &str) {
        assert_eq!(wrong(fate, came, last, status), Vec::<String>::new());
    }

    #[track_caller]
    fn is_wrong(fate: Fate, came: &[&str], last: (&str, i64), status: &str) {
        assert_eq!(wrong(fate, came, last, status).len(), 1);
    }

    const TO_COME: (&str, i64) = ("WAITING", NOW + 1);

    #[test]
    fn a_plan_says_what_becomes_of_missed_cycles() {
        is_right(Fate::Each, &[], TO_COME, "PENDING");
        is_right(Fate::Each, &["PAID", "PAID"], TO_COME, "ACTIVE");
        is_wrong(Fate::Each, &["SKIPPED", "PAID"], TO_COME, "ACTIVE");
        is_right(Fate::Newest, &["SKIPPED", "PAID"], TO_COME, "ACTIVE");
        is_wrong(Fate::Newest, &["PAID", "PAID"], TO_COME, "ACTIVE");
        is_wrong(Fate::Newest, &["PAID", "SKIPPED"], TO_COME, "ACTIVE");
    }

    #[test]
    fn nobody_with_a_card_is_left_behind() {
        is_wrong(Fate::Each, &["PAID"], ("WAITING", NOW), "ACTIVE");
        is_wrong(Fate::Each, &["PAID"], ("FAILED", 0), "EXPIRED");
        is_wrong(Fate::Newest, &[], ("FAILED", 0), "EXPIRED");
        is_wrong(Fate::Each, &["PAID"], TO_COME, "PAST_DUE");
    }

    #[test]
    fn whose_card_was_lost_pays_nothing_and_is_let_go() {
        is_right(Fate::Lost, &[], TO_COME, "PENDING");
        is_right(Fate::Lost, &[], ("FAILED", NOW), "EXPIRED");
        is_wrong(Fate::Lost, &["PAID"], TO_COME, "ACTIVE");
        is_wrong(Fate::Lost, &["FAILED"], TO_COME, "ACTIVE");
        is_wrong(Fate::Lost, &[], ("PAID", NOW), "EXPIRED");
        is_wrong(Fate::Lost, &[], ("WAITING", NOW), "ACTIVE");
        is_wrong(Fate::Lost, &[], ("HELD", NOW), "PAST_DUE");
        is_wrong(Fate::Lost, &[], ("FAILED", NOW), "ACTIVE");
        is_wrong(Fate::Lost, &[], TO_COME, "EXPIRED");
    }
}
