//! Plans: loaded from a file, never on other terms, and shown to whoever may subscribe.

use std::fs;

use application::ports::Store;
use application::{Plans, WantedPlan};
use domain::calendar::Period;
use domain::money::{Currency, Money};
use domain::principal::{Mode, Scope};
use domain::subscription::{Dunning, Manner, Missed, PlanKind, Terms};
use reqwest::Method;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::rig::{OTHER, Rig, answer, text};
use crate::vault::{lines, payflow};

const FILE: &str = r#"
[[plan]]
code = "water-monthly"
name = "생수 정기배송"
benefits = "매달 한 상자"
kind = "SUBSCRIPTION"
period = "MONTHLY"
currency = "KRW"
price = 9900

[[plan]]
code = "pass-yearly"
name = "연간 이용권"
kind = "ONE_TIME"
period = "YEARLY"
currency = "KRW"
price = 100000
tax_free = 1000
missed = "CHARGE_EACH"
dunning = { tries_max = 3, card_grace_days = 0 }
"#;

#[test]
fn a_file_is_loaded_whole_and_changes_no_terms() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("plans.toml");
    let run = |arguments: &[&str]| payflow(folder.path(), arguments, &[], "");
    let made = lines(&run(&["merchant", "create", "shop"])).remove(0);
    let merchant = text(&made["merchantId"]).to_owned();
    let load = |content: &str| {
        fs::write(&file, content).unwrap();
        run(&["plans", "load", "plans.toml", "--merchant", &merchant])
    };
    let became = |printed: &[Value]| -> Vec<String> {
        let told = printed.iter().map(|line| text(&line["became"]).to_owned());
        told.collect()
    };
    assert_eq!(became(&lines(&load(FILE))), ["ADDED", "ADDED"]);
    assert_eq!(became(&lines(&load(FILE))), ["UNCHANGED", "UNCHANGED"]);
    let renamed = FILE.replace("연간 이용권", "한 해 이용권");
    assert_eq!(became(&lines(&load(&renamed))), ["UNCHANGED", "REVISED"]);

    for (wrong, why) in [
        (FILE.replace("9900", "9901"), "do not change"),
        (FILE.replace("MONTHLY", "QUARTERLY"), "do not change"),
        (
            FILE.replace("pass-yearly", "water-monthly"),
            "more than once",
        ),
        (FILE.replace("KRW", "USD"), "does not take its currency"),
        (FILE.replace("9900", "0"), "more than nothing"),
        (
            FILE.replace("tax_free = 1000", "tax_free = 100001"),
            "tax-free",
        ),
        (FILE.replace("9900", "99.5"), "no list of plans"),
        (FILE.replace("price", "amount"), "no list of plans"),
        (
            FILE.replace("tries_max = 3", "tries_max = 0"),
            "one try the least",
        ),
        (FILE.replace("생수 정기배송", "4111111111111111"), "name"),
    ] {
        let refused = load(&wrong);
        assert_eq!(refused.status.code(), Some(1), "{why}: {refused:?}");
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(said.contains(why), "{why}: {said}");
    }
    let missing = run(&["plans", "load", "none.toml", "--merchant", &merchant]);
    assert_eq!(missing.status.code(), Some(1));

    let listed = lines(&run(&["plans", "list", "--merchant", &merchant]));
    let told: Vec<Value> = listed
        .iter()
        .map(|line| json!([line["code"], line["name"], line["price"], line["missed"]]))
        .collect();
    let expected = [
        json!(["pass-yearly", "한 해 이용권", 100_000, "CHARGE_EACH"]),
        json!(["water-monthly", "생수 정기배송", 9_900, "CHARGE_NEWEST"]),
    ];
    assert_eq!(told, expected);
    let live = ["plans", "list", "--merchant", &merchant, "--mode", "live"];
    assert!(lines(&run(&live)).is_empty());
}

fn wanted(code: &str, offered: bool) -> WantedPlan {
    let krw = |minor| Money::new(minor, Currency::Krw).unwrap();
    let kind = PlanKind::Subscription;
    WantedPlan {
        code: code.parse().unwrap(),
        terms: Terms::new(kind, Period::Monthly, krw(9_900), krw(0)).unwrap(),
        manner: Manner {
            name: "생수 정기배송".parse().unwrap(),
            benefits: None,
            offered,
            missed: Missed::ChargeEach,
            dunning: Dunning::USUAL,
        },
    }
}

#[tokio::test]
async fn what_is_offered_is_listed_to_its_own() {
    let rig = Rig::new().await;
    assert_eq!(
        rig.get("/api/v1/plans").await.body["data"]["plans"],
        json!([])
    );
    let store: &dyn Store = rig.store.as_ref();
    let plans = Plans {
        store,
        clock: &rig.clock,
        conflicts_max: 5,
    };
    let scope = |mode| Scope {
        merchant: rig.members.merchants[0],
        mode,
    };
    let all = [wanted("water", true), wanted("retired", false)];
    plans.load(scope(Mode::Test), &all).await.unwrap();
    let live = [wanted("live-only", true)];
    plans.load(scope(Mode::Live), &live).await.unwrap();

    let listed = rig.get("/api/v1/plans").await;
    assert_eq!(listed.status, 200, "{listed:?}");
    let water = json!({
        "code": "water",
        "name": "생수 정기배송",
        "kind": "SUBSCRIPTION",
        "period": "MONTHLY",
        "amount": 9_900,
        "taxFreeAmount": 0,
        "currency": "KRW",
    });
    assert_eq!(listed.body["data"]["plans"], json!([water]));
    let other = rig
        .anonymous(Method::GET, "/api/v1/plans")
        .bearer_auth(OTHER);
    assert_eq!(answer(other).await.body["data"]["plans"], json!([]));
}
