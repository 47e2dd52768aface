//! Members prove themselves before money moves on a device that is not known.

use chrono::TimeDelta;
use payflow::presentation::catalogue::Code;
use payflow::presentation::router::{Principal, ROUTES};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::rig::cards::issue;
use crate::rig::{Answer, DEVICE, Fault, Prepared, Rig, SECRET, answer, approval, of, text};

const ME: &str = "member-1";
/// Where a stream is taken, it ends.
const DEMANDED: &str = "step_up.demanded_for = [\"approve\", \"cancel\"]\n\
     stream.duration_max = \"50ms\"\n";
const ELSEWHERE: &str = "device-9876543210";

async fn mine(rig: &Rig) -> Prepared {
    rig.prepared_by(SECRET, of(ME)).await
}

async fn status_of(rig: &Rig, payment: &Prepared) -> String {
    let read = rig.get(&format!("/api/v1/payments/{}", payment.id)).await;
    text(&read.body["data"]["status"]).to_owned()
}

/// One answer with each code of a step-up.
pub(crate) async fn refusals(rig: &Rig) -> Vec<Answer> {
    let payment = mine(rig).await;
    let moving = |key: &str| rig.moving(ME, &payment, "approve", key);
    let path = format!("/api/v1/payments/{}/step-up", payment.id);
    let challenge = rig.challenge(ME, &payment, "approve", DEVICE).await;
    let mut expired = rig.members.proof_claims(ME, &challenge);
    for (claim, seconds) in [("exp", 300), ("iat", 400), ("auth_time", 400)] {
        expired[claim] = json!(expired[claim].as_i64().unwrap().saturating_sub(seconds));
    }
    let expired = rig
        .members
        .signed(crate::rig::PROOF_HEADER, &expired.to_string());
    let on_device = |key: &str| moving(key).header("device-id", DEVICE);
    let proof = rig.members.proof(ME, &challenge);
    let spends = |key: &str| answer(on_device(key).header("step-up-proof", proof.clone()));
    vec![
        answer(moving("required")).await,
        answer(moving("device").header("device-id", "short")).await,
        answer(on_device("invalid").header("step-up-proof", "a.b.c")).await,
        answer(on_device("expired").header("step-up-proof", expired)).await,
        spends("first").await,
        spends("spent").await,
        rig.post(&path, "{}").await,
    ]
}

#[tokio::test]
async fn a_member_is_asked_proves_themselves_and_is_known() {
    let rig = Rig::with(DEMANDED).await;
    let payment = mine(&rig).await;
    let asked = answer(rig.moving(ME, &payment, "approve", "k")).await;
    assert_eq!((asked.status, asked.code()), (401, "STEP_UP_REQUIRED"));
    let challenge = asked.header("www-authenticate");
    assert!(challenge.starts_with("Bearer "), "{challenge}");
    for part in [
        "error=\"insufficient_user_authentication\"",
        "max_age=\"0\"",
    ] {
        assert!(challenge.contains(part), "{challenge}");
    }
    let path = format!("/api/v1/payments/{}/step-up", payment.id);
    let what = json!({ "action": "approve", "challengeAt": path });
    assert_eq!(asked.body["data"], what);

    let proving = rig.proving(ME, &payment, "approve", "k").await;
    let paid = answer(proving).await;
    assert_eq!(paid.body["data"]["status"], "DONE", "{paid:?}");
    let again = answer(rig.moving(ME, &payment, "approve", "k")).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(
        again.body["data"], paid.body["data"],
        "a repeat proves nothing"
    );

    let on = |device: &'static str, payment: &Prepared, action: &str, key: &str| {
        answer(
            rig.moving(ME, payment, action, key)
                .header("device-id", device),
        )
    };
    assert_eq!(on(DEVICE, &payment, "cancel", "c").await.status, 200);
    let next = mine(&rig).await;
    let elsewhere = on(ELSEWHERE, &next, "approve", "k-2").await;
    assert_eq!(elsewhere.code(), "STEP_UP_REQUIRED");
    let theirs = rig.prepared_by(SECRET, of("member-2")).await;
    let stranger = rig.moving("member-2", &theirs, "approve", "k");
    let stranger = answer(stranger.header("device-id", DEVICE)).await;
    assert_eq!(
        stranger.code(),
        "STEP_UP_REQUIRED",
        "it is known as another's"
    );
    assert_eq!(on(DEVICE, &next, "approve", "k-2").await.status, 200);
    assert_eq!((rig.gateway.confirms(), rig.gateway.cancels()), (2, 1));

    rig.members.clock.move_ahead(TimeDelta::days(91));
    let late = mine(&rig).await;
    let forgotten = on(DEVICE, &late, "approve", "k-3").await;
    assert_eq!(forgotten.code(), "STEP_UP_REQUIRED", "for 90 days only");
}

/// What the table says of each route is what its members meet.
#[tokio::test]
async fn the_table_says_where_members_are_asked() {
    let rig = Rig::with(DEMANDED).await;
    let subscription = rig.subscription(ME).await;
    let (mut asked, mut taken) = (0, 0);
    for route in ROUTES {
        if !route.principals.contains(&Principal::Member) {
            continue;
        }
        let payment = mine(&rig).await;
        let card = if route.path.ends_with("/issue") {
            rig.registered_by(SECRET, ME).await
        } else {
            rig.card_by(SECRET, ME).await
        };
        let path = route.path.replace("{paymentId}", &payment.id);
        let path = path.replace("{billingKeyId}", &card.id);
        let path = path.replace("{subscriptionId}", &subscription);
        let body = match route.path {
            path if path.ends_with("/issue") => issue(&card),
            path if path.ends_with("/charge") || path.ends_with("-keys") => json!({}),
            path if path.ends_with("/approve") => approval(&payment),
            path if path.ends_with("/cancel") => json!({ "reason": "r" }),
            path if path.ends_with("/billing-key") => json!({ "billingKeyId": card.id }),
            path if path.ends_with("/virtual-account") => {
                json!({ "bank": "20", "customerName": "a" })
            }
            _ => json!({ "deviceId": DEVICE, "action": "approve" }),
        };
        let request = rig.by(ME, route.method.clone(), &path);
        let request = request.header("idempotency-key", "k");
        let told = answer(request.body(body.to_string())).await;
        if route.refusals.contains(&Code::StepUpRequired) {
            assert_eq!(told.code(), "STEP_UP_REQUIRED", "{path}");
            asked += 1;
        } else {
            assert!(told.status < 300, "{path}: {told:?}");
            taken += 1;
        }
    }
    assert_eq!((asked, taken), (5, 20));
    assert_eq!((rig.gateway.confirms(), rig.gateway.cancels()), (1, 0));
}

#[tokio::test]
async fn a_server_is_not_asked_nor_is_anybody_without_the_setting() {
    let demanded = Rig::with(DEMANDED).await;
    let payment = mine(&demanded).await;
    assert_eq!(demanded.approve(&payment, "k").await.status, 200);
    let canceled = demanded.cancel(&payment, json!({ "reason": "r" }), "c");
    assert_eq!(canceled.await.status, 200);
    let free = Rig::with("step_up.demanded_for = [\"cancel\"]\n").await;
    let payment = mine(&free).await;
    let paid = answer(free.moving(ME, &payment, "approve", "k")).await;
    assert_eq!(paid.status, 200, "{paid:?}");
    let canceled = answer(free.moving(ME, &payment, "cancel", "c")).await;
    assert_eq!(canceled.code(), "STEP_UP_REQUIRED");
    // A proof that is shown counts all the same.
    let other = mine(&free).await;
    let wrong = free.moving(ME, &other, "approve", "w");
    let wrong = answer(wrong.header("step-up-proof", "")).await;
    assert_eq!(wrong.code(), "STEP_UP_PROOF_INVALID");
}

#[tokio::test]
async fn without_known_devices_everybody_is_asked_each_time() {
    let rig = Rig::with(&format!("{DEMANDED}step_up.known_device_days = 0\n")).await;
    for number in 0..3 {
        let payment = mine(&rig).await;
        let moving = rig.moving(ME, &payment, "approve", "n");
        let asked = answer(moving.header("device-id", DEVICE)).await;
        assert_eq!(asked.code(), "STEP_UP_REQUIRED", "{number}");
        let key = format!("k-{number}");
        let proving = rig.proving(ME, &payment, "approve", &key).await;
        assert_eq!(answer(proving).await.status, 200, "{number}");
    }
}

#[tokio::test]
async fn a_challenge_is_for_the_member_of_the_payment() {
    let rig = Rig::new().await;
    let payment = mine(&rig).await;
    let asked = rig.ask(ME, &payment, "cancel", DEVICE).await;
    assert_eq!(asked.status, 201, "{asked:?}");
    let data = &asked.body["data"];
    assert!(text(&data["challenge"]).starts_with("chl_"), "{data}");
    assert_eq!(data["action"], "cancel");
    let expires = text(&data["expiresAt"]).parse::<chrono::DateTime<chrono::Utc>>();
    let now = application::ports::Clock::now(&rig.members.clock);
    let left = expires.unwrap().signed_duration_since(now);
    assert!((150..=180).contains(&left.num_seconds()), "{left}");
    let again = rig.ask(ME, &payment, "cancel", DEVICE).await;
    assert_ne!(again.body["data"]["challenge"], data["challenge"]);

    let path = format!("/api/v1/payments/{}/step-up", payment.id);
    let body = json!({ "deviceId": DEVICE, "action": "approve" }).to_string();
    let server = rig.post(&path, body.clone()).await;
    assert_eq!((server.status, server.code()), (403, "MEMBER_REQUIRED"));
    let stranger = rig.ask("member-2", &payment, "approve", DEVICE).await;
    assert_eq!(stranger.code(), "PAYMENT_NOT_FOUND");
    for (body, errors) in [
        (
            json!({}),
            ["action: FIELD_REQUIRED", "deviceId: FIELD_REQUIRED"].as_slice(),
        ),
        (
            json!({ "deviceId": "short", "action": "pay" }),
            &["action: FIELD_WORD", "deviceId: FIELD_LENGTH"],
        ),
        (
            json!({ "deviceId": "with a space in it", "action": 1 }),
            &["action: FIELD_TYPE", "deviceId: FIELD_CHARACTER"],
        ),
        (
            json!({ "deviceId": DEVICE, "action": "approve", "member": "member-2" }),
            &["member: FIELD_UNKNOWN"],
        ),
    ] {
        let refused = answer(rig.by(ME, Method::POST, &path).body(body.to_string())).await;
        assert_eq!(refused.errors(), errors, "{body}");
    }
}

/// Whatever becomes of the commit, the proof is spent if and only if the payment moved.
#[tokio::test]
async fn what_is_not_written_spends_nothing() {
    let rig = Rig::with(&format!("{DEMANDED}step_up.known_device_days = 0\n")).await;
    for (fault, status) in [
        (Fault::Contended, 503),
        (Fault::Away, 503),
        (Fault::AnswerLost, 200),
        (Fault::CommitLost, 200),
    ] {
        let payment = mine(&rig).await;
        let challenge = rig.challenge(ME, &payment, "approve", DEVICE).await;
        let proof = rig.members.proof(ME, &challenge);
        let sent = |key: String| {
            let moving = rig.moving(ME, &payment, "approve", &key);
            let moving = moving.header("device-id", DEVICE);
            answer(moving.header("step-up-proof", proof.clone()))
        };
        rig.store.is(Some(fault));
        let first = sent(format!("{fault:?}-1")).await;
        rig.store.is(None);
        assert_eq!(first.status, status, "{fault:?}: {first:?}");
        let second = sent(format!("{fault:?}-2")).await;
        let expected = if status == 200 {
            "STEP_UP_PROOF_SPENT"
        } else {
            "OK"
        };
        assert_eq!(second.code(), expected, "{fault:?}");
        assert_eq!(status_of(&rig, &payment).await, "DONE", "{fault:?}");
    }
    assert_eq!(rig.gateway.confirms(), 4, "each was paid once");
}

#[tokio::test]
async fn one_proof_moves_money_once_on_any_number_of_copies() {
    let rig = Rig::with(DEMANDED).await;
    let copy = Rig::beside(&rig, DEMANDED).await;
    for round in 0..5 {
        let payment = mine(&rig).await;
        let challenge = rig.challenge(ME, &payment, "approve", DEVICE).await;
        let proof = rig.members.proof(ME, &challenge);
        let mut requests = JoinSet::new();
        for number in 0..8 {
            let service = if number % 2 == 0 { &rig } else { &copy };
            let key = format!("race-{round}-{number}");
            let moving = service.moving(ME, &payment, "approve", &key);
            let moving = moving.header("device-id", DEVICE);
            requests.spawn(answer(moving.header("step-up-proof", proof.clone())));
        }
        let told = requests.join_all().await;
        let mut codes: Vec<&str> = told.iter().map(Answer::code).collect();
        codes.sort_unstable();
        let mut expected = vec!["OK"];
        expected.extend(["STEP_UP_PROOF_SPENT"; 7]);
        assert_eq!(codes, expected);
    }
    assert_eq!(rig.gateway.confirms(), 5);
    // A copy that starts later reads the same.
    let payment = mine(&rig).await;
    let challenge = rig.challenge(ME, &payment, "approve", ELSEWHERE).await;
    let proof = rig.members.proof(ME, &challenge);
    let sent = |service: &Rig, key: &str| {
        let moving = service.moving(ME, &payment, "approve", key);
        let moving = moving.header("device-id", ELSEWHERE);
        answer(moving.header("step-up-proof", proof.clone()))
    };
    assert_eq!(sent(&rig, "late-1").await.status, 200);
    let restarted = Rig::beside(&rig, DEMANDED).await;
    assert_eq!(
        sent(&restarted, "late-2").await.code(),
        "STEP_UP_PROOF_SPENT"
    );
    assert_eq!(
        sent(&restarted, "late-1")
            .await
            .header("idempotent-replayed"),
        "true"
    );
}

#[tokio::test]
async fn challenges_are_swept_and_with_them_devices() {
    use application::ports::store::Challenges as _;
    use domain::principal::{Mode, Scope};

    let rig = Rig::with(&format!("{DEMANDED}timings.upkeep_every = \"20ms\"\n")).await;
    let payment = mine(&rig).await;
    let unspent = rig.challenge(ME, &payment, "approve", DEVICE).await;
    let spent = rig.challenge(ME, &payment, "approve", DEVICE).await;
    let moving = rig.moving(ME, &payment, "approve", "k");
    let moving = moving.header("device-id", DEVICE);
    let paid = moving.header("step-up-proof", rig.members.proof(ME, &spent));
    assert_eq!(answer(paid).await.status, 200);
    let scope = Scope {
        merchant: rig.members.merchants[0],
        mode: Mode::Test,
    };
    let is_kept = async |challenge: &str| {
        let (member, id) = (ME.parse().unwrap(), challenge.parse().unwrap());
        let found = rig.store.challenge(scope, &member, id).await;
        found.unwrap().is_some()
    };
    assert!(is_kept(&unspent).await && is_kept(&spent).await);
    let gone = async |challenge: &str| {
        for _ in 0..200 {
            if !is_kept(challenge).await {
                return true;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        false
    };
    rig.members.clock.move_ahead(TimeDelta::minutes(4));
    assert!(gone(&unspent).await);
    assert!(is_kept(&spent).await, "its device is known");
    rig.members.clock.move_ahead(TimeDelta::days(91));
    assert!(gone(&spent).await);
}

#[tokio::test]
async fn being_asked_is_no_guess() {
    let rig = Rig::with(&format!("{DEMANDED}limits.failures_per_minute = 1\n")).await;
    let payment = mine(&rig).await;
    for _ in 0..3 {
        let asked = answer(rig.moving(ME, &payment, "approve", "k")).await;
        assert_eq!(asked.code(), "STEP_UP_REQUIRED");
    }
    let guess = |key: &str| rig.moving(ME, &payment, "approve", key);
    let guess = |key: &str| answer(guess(key).header("step-up-proof", "a.b.c"));
    assert_eq!(guess("g-1").await.code(), "STEP_UP_PROOF_INVALID");
    assert_eq!(guess("g-2").await.code(), "RATE_LIMITED");
}

#[tokio::test]
async fn a_host_names_the_merchant_of_a_proof_too() {
    let rig = Rig::with(DEMANDED).await;
    let payment = mine(&rig).await;
    let challenge = rig.challenge(ME, &payment, "approve", DEVICE).await;
    let mut claims = rig.members.proof_claims(ME, &challenge);
    claims["iss"] = Value::from(crate::rig::HOSTED);
    let mut proof = |aud: &str| {
        claims["aud"] = Value::from(aud);
        let claims = claims.to_string();
        rig.members.signed(crate::rig::PROOF_HEADER, &claims)
    };
    let path = format!("/api/v1/payments/{}/approve", payment.id);
    let token = [("iss", json!(crate::rig::HOSTED))];
    let token = rig.members.token_with(ME, &token);
    let sent = |proof: String, key: &str| {
        let request = rig.anonymous(Method::POST, &path).bearer_auth(&token);
        let request = request
            .header("content-type", "application/json")
            .header("host", crate::rig::HOST)
            .header("idempotency-key", key)
            .header("device-id", DEVICE)
            .header("step-up-proof", proof);
        answer(request.body(approval(&payment).to_string()))
    };
    // One that was made for another merchant's host, and one that says nothing of a host.
    for (aud, key) in [(crate::rig::OTHER_HOST, "k-1"), ("payflow", "k-2")] {
        let elsewhere = sent(proof(aud), key).await;
        assert_eq!(elsewhere.code(), "STEP_UP_PROOF_INVALID", "{aud}");
    }
    let paid = sent(proof(crate::rig::HOST), "k-3").await;
    assert_eq!(paid.status, 200, "{paid:?}");
}
