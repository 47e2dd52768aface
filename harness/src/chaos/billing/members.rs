//! Owns the members: each with a card that is kept and a subscription, made over the API as a
//! merchant's server would.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use chrono::{SubsecRound as _, TimeDelta};
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::past;
use crate::random::unique_name;
use crate::sandbox::Sandbox;
use crate::service::Service;
use crate::stand::Stand;

const CARDS: &str = "/api/v1/billing-keys";
/// What every cycle costs.
const PRICE: i64 = 9_900;
/// A test card that is approved.
pub(super) const GOOD: &str = "0000000000000000";
/// A test card that was lost or stolen.
pub(super) const LOST: &str = "0000000000000174";
/// So many register at once.
const CLIENTS: usize = 8;
/// First charges are ahead by this and so many days more: anchors differ, months' ends among them.
const AHEAD: TimeDelta = TimeDelta::days(1);
const DAYS: i64 = 5;
/// How long a card may take to be issued, on a machine that does other things.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(200);
/// Of so many members one has the plan that charges the newest of missed cycles only, and one a
/// card that was lost.
const ONE_OF: usize = 10;

/// How a member's cycles are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Each is paid.
    Each,
    /// The newest is paid, those before it are left out.
    Newest,
    /// The card was lost: nothing is paid, and the subscription ends.
    Lost,
}

impl Fate {
    /// Of the member of this number.
    fn of(number: usize) -> Self {
        match number.checked_rem(ONE_OF) {
            Some(3) => Self::Newest,
            Some(7) => Self::Lost,
            _ => Self::Each,
        }
    }
}

/// A member.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) fate: Fate,
    /// Its merchant's id of it.
    pub(super) name: String,
    /// What the gateway knows it by.
    pub(super) customer: String,
    pub(super) billing_key: String,
    pub(super) subscription: String,
}

/// Two plans that differ in what happens to missed cycles. Nobody is waited for who has no card.
pub(super) async fn offer(stand: &Stand) -> anyhow::Result<()> {
    let plan = |code, missed| {
        format!(
            "[[plan]]\ncode = \"{code}\"\nname = \"{code}\"\nkind = \"SUBSCRIPTION\"\n\
             period = \"MONTHLY\"\ncurrency = \"KRW\"\nprice = {PRICE}\nmissed = \"{missed}\"\n\
             dunning = {{ card_grace_days = 0 }}\n\n"
        )
    };
    let plans = plan("each", "CHARGE_EACH") + &plan("newest", "CHARGE_NEWEST");
    stand.load_plans(&plans).await
}

/// So many members, subscribed from tomorrow on or from one of the days after.
pub(super) async fn join(
    stand: &Stand,
    service: &Service,
    count: usize,
) -> anyhow::Result<Vec<Member>> {
    join_as(stand, service, count, Fate::of).await
}

/// So many of whom each is paid for.
pub(super) async fn join_paying(
    stand: &Stand,
    service: &Service,
    count: usize,
) -> anyhow::Result<Vec<Member>> {
    join_as(stand, service, count, |_| Fate::Each).await
}

async fn join_as(
    stand: &Stand,
    service: &Service,
    count: usize,
    fate: fn(usize) -> Fate,
) -> anyhow::Result<Vec<Member>> {
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let (service, sandbox) = (service.clone(), stand.sandbox.clone());
        clients.spawn(async move {
            let mut members = Vec::new();
            for number in (client..count).step_by(CLIENTS) {
                members.push(one(&service, &sandbox, (number, fate(number))).await?);
            }
            anyhow::Ok(members)
        });
    }
    let mut members = Vec::with_capacity(count);
    for made in clients.join_all().await {
        members.extend(made?);
    }
    Ok(members)
}

async fn one(
    service: &Service,
    sandbox: &Sandbox,
    (number, fate): (usize, Fate),
) -> anyhow::Result<Member> {
    let (card, plan) = match fate {
        Fate::Newest => (GOOD, "newest"),
        Fate::Lost => (LOST, "each"),
        Fate::Each => (GOOD, "each"),
    };
    let name = format!("member-{}", unique_name());
    let (billing_key, customer) = register(service, &name).await?;
    let auth_key = sandbox.consent(&customer, card).await?;
    let issue = format!("{CARDS}/{billing_key}/issue");
    let body = json!({ "customerKey": customer, "authKey": auth_key });
    let begun = Instant::now();
    loop {
        // A repeat is told how it is.
        let issued = service.post_json(&issue, &body).await?;
        let status = issued.pointer("/data/status");
        if status.and_then(|text| text.as_str()) == Some("ACTIVE") {
            break;
        }
        ensure!(begun.elapsed() < PATIENCE, "no card: {issued}");
        sleep(POLL).await;
    }
    let days = TimeDelta::days(i64::try_from(number)?.rem_euclid(DAYS));
    let first = past::present()
        .checked_add_signed(AHEAD)
        .and_then(|first| first.checked_add_signed(days))
        .context("no such day")?
        .trunc_subsecs(0);
    let body = json!({
        "memberId": name, "planCode": plan, "firstChargeAt": first.to_rfc3339(),
    });
    let path = "/api/v1/subscriptions";
    let reply = service.post_keyed(path, &body, &unique_name()).await?;
    ensure!(reply.status == 201, "not subscribed: {}", reply.body);
    let subscription = reply.data("subscriptionId").context("no subscription")?;
    Ok(Member {
        fate,
        name,
        customer,
        billing_key,
        subscription: subscription.to_owned(),
    })
}

/// A member is about to register a card; its id, and what the gateway knows the member by.
pub(super) async fn register(service: &Service, name: &str) -> anyhow::Result<(String, String)> {
    let opened = service
        .post_json(CARDS, &json!({ "memberId": name }))
        .await?;
    let text = |pointer: &str| {
        let text = opened.pointer(pointer).and_then(|text| text.as_str());
        text.map(str::to_owned)
            .with_context(|| format!("no {pointer}: {opened}"))
    };
    Ok((
        text("/data/billingKey/billingKeyId")?,
        text("/data/customerKey")?,
    ))
}
