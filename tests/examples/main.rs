//! The services of `examples/` beside a real Payflow: killed again and again while payments are
//! made and given back, and told everything once more, they have come to what the books say.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "small numbers, and amounts of a test's own"
)]

#[path = "../support/mod.rs"]
mod support;

mod payflow;
mod program;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::payflow::Payflow;
use crate::program::Program;

const PAYMENTS: usize = 40;
const AT_ONCE: usize = 4;
const KILLS_MIN: u64 = 10;
const PATIENCE: Duration = Duration::from_mins(1);

/// Everything that both have to agree on in the end.
struct Expected {
    points: BTreeMap<String, i64>,
    notifications: BTreeMap<String, String>,
    events: usize,
}

impl Expected {
    /// By payments and events as Payflow shows them.
    async fn of(payflow: &Payflow) -> Self {
        let mut points = BTreeMap::new();
        let mut members = BTreeMap::new();
        for payment in payflow.payments().await {
            let Some(member) = payment["memberId"].as_str() else {
                continue;
            };
            let balance = payment["balanceAmount"].as_i64().expect("an amount");
            *points.entry(member.to_owned()).or_default() += balance / 100;
            members.insert(payment["paymentId"].to_string(), member.to_owned());
        }
        points.retain(|_, points| *points > 0);
        let mut notifications = BTreeMap::new();
        let events = payflow.events().await;
        for event in &events {
            let code = match event["type"].as_str().expect("a type") {
                "payment.approved" => "APPROVED",
                "payment.declined" | "payment.aborted" => "FAILED",
                "payment.cancel_requested" => "CANCEL_REQUESTED",
                "payment.partially_canceled" | "payment.canceled" | "payment.withdrawn" => {
                    "CANCELLED"
                }
                _ => continue,
            };
            let Some(member) = members.get(&event["paymentId"].to_string()) else {
                continue;
            };
            let payment = event["paymentId"].as_str().expect("an id");
            let id = format!("{payment}/{}", event["sequence"]);
            notifications.insert(id, format!("{code} {member}"));
        }
        Self {
            points,
            notifications,
            events: events.len(),
        }
    }

    fn is(&self, points: &Program, notifications: &Program) -> bool {
        self.points == points_of(points) && self.notifications == notifications_of(notifications)
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn points_of(program: &Program) -> BTreeMap<String, i64> {
    let line = |line: &Value| {
        let points = line["points"].as_i64().expect("a number");
        (points != 0).then(|| (text(&line["member"]), points))
    };
    program.shown().iter().filter_map(line).collect()
}

fn notifications_of(program: &Program) -> BTreeMap<String, String> {
    let shown = program.shown();
    let told: BTreeMap<_, _> = shown
        .iter()
        .map(|line| {
            let told = format!("{} {}", text(&line["code"]), text(&line["member"]));
            (text(&line["event"]), told)
        })
        .collect();
    assert_eq!(told.len(), shown.len(), "one of them went out twice");
    told
}

async fn until_agreed(expected: &Expected, points: &Program, notifications: &Program) {
    let begun = Instant::now();
    while !expected.is(points, notifications) {
        if begun.elapsed() > PATIENCE {
            assert_eq!(points_of(points), expected.points, "{}", points.log());
            assert_eq!(notifications_of(notifications), expected.notifications);
        }
        sleep(Duration::from_millis(100)).await;
    }
}

/// Kills both at odd moments until the payments are made.
async fn killing(points: &mut Program, notifications: &mut Program, lanes: &mut JoinSet<()>) {
    let mut kills = 0;
    while !lanes.is_empty() || kills < KILLS_MIN {
        // Long enough to have read a page or two, never the same.
        let pause = 40 + (kills * 37) % 160;
        sleep(Duration::from_millis(pause)).await;
        let victim = if kills % 2 == 0 {
            &mut *points
        } else {
            &mut *notifications
        };
        victim.kill();
        victim.restart(&[]);
        kills += 1;
        while let Some(lane) = lanes.try_join_next() {
            lane.expect("every payment came to its end");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn points_and_notifications_are_what_the_books_say_whatever_dies() {
    let mut payflow = Payflow::start().await;
    let keys = payflow.keys_file();
    let mut points = Program::start("payflow-points", &keys);
    let mut notifications = Program::start("payflow-notifications", &keys);

    let mut lanes = payflow.pay(PAYMENTS, AT_ONCE);
    killing(&mut points, &mut notifications, &mut lanes).await;
    // On other ports, too.
    payflow.restart().await;
    payflow.pay(AT_ONCE, AT_ONCE).join_all().await;

    let expected = Expected::of(&payflow).await;
    assert!(expected.points.len() > 1 && expected.notifications.len() > PAYMENTS);
    until_agreed(&expected, &points, &notifications).await;

    let end = payflow.end(expected.events).await;
    for program in [&mut points, &mut notifications] {
        program.kill();
        // All of it once more, from the first event.
        program.restart(&["--again"]);
        sleep(Duration::from_millis(300)).await;
        program.kill();
        program.restart(&["--again"]);
        program.until_read(&end).await;
    }
    // The same, after all of it came again.
    assert_eq!(points_of(&points), expected.points, "{}", points.log());
    assert_eq!(notifications_of(&notifications), expected.notifications);
    let said = points.log() + &notifications.log();
    assert!(
        !said.contains("type unknown"),
        "an event that the examples do not know: {said}"
    );
}
