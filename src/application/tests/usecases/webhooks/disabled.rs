//! Owns the proof that a merchant's other endpoints are told of one that the service disabled.

use application::ports::store::Webhooks as _;
use application::webhooks::{Range, Terms};
use domain::id::EndpointId;
use domain::principal::{Actor, Mode, Scope};
use domain::webhook::{Endpoint, EventId, State, Status};
use serde_json::{Value, json};

use super::post::{Arrived, Manner};
use super::stand::{SHOP, Stand, seconds};
use crate::store::Fault;

const HOUR: u64 = 3_600;
const BESIDE: &str = "https://beside.example/hooks";
const WATCHMAN: &str = "https://watchman.example/hooks";
const ELSEWHERE: &str = "https://elsewhere.example/hooks";
const DISABLED: &str = "webhook_endpoint.disabled";

/// An endpoint of somebody else's, or of the other mode.
async fn endpoint_in(stand: &Stand, scope: Scope) -> EndpointId {
    let (url, events) = (ELSEWHERE.parse().unwrap(), "".parse().unwrap());
    let (office, who) = (stand.office(), (scope, Actor::Merchant));
    office.add(who, url, events).await.unwrap().endpoint.id
}

/// What arrived about endpoints.
fn notices(stand: &Stand, url: &str) -> Vec<Arrived> {
    let is_notice = |one: &Arrived| {
        let told: Value = serde_json::from_slice(&one.body).unwrap();
        told["type"] == DISABLED
    };
    stand.arrived(url).into_iter().filter(is_notice).collect()
}

fn name(endpoint: &Endpoint) -> EventId {
    EventId::of_endpoint(endpoint.id, endpoint.version)
}

/// How many deliveries of notices an endpoint has.
fn owed(stand: &Stand, id: EndpointId) -> usize {
    let all = stand.deliveries(id);
    all.iter().filter(|one| one.in_feed().is_none()).count()
}

#[tokio::test(start_paused = true)]
async fn of_a_dead_endpoint_those_beside_it_hear_once() {
    let stand = Stand::patient(Terms::default().dead_after);
    let scope = stand.who().0;
    let live = Scope {
        mode: Mode::Live,
        ..scope
    };
    let strangers = [
        endpoint_in(&stand, live).await,
        endpoint_in(&stand, stand.another().scope).await,
    ];
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.endpoint(BESIDE, "").await;
    stand.endpoint(WATCHMAN, DISABLED).await;
    let choosy = stand.endpoint("https://choosy.example/", "payment.prepared");
    let choosy = choosy.await.endpoint.id;
    let off = stand.endpoint("https://off.example/", "").await.endpoint.id;
    stand.enable(off, false).await;
    stand.it.receivers.behave(SHOP, Manner::Silent);
    stand.happen(1).await;
    seconds(59 * HOUR).await;
    assert_eq!(stand.arrived(WATCHMAN), [], "it is not dead yet");
    seconds(14 * HOUR).await;

    let dead = stand.stored(id).await;
    assert_eq!(dead.status, Status::Dead);
    let [told]: [Arrived; 1] = stand.arrived(WATCHMAN).try_into().unwrap();
    assert_eq!(told.id, name(&dead).to_string());
    let notes = stand.it.memory.notes(id, 1).await.unwrap();
    let body: Value = serde_json::from_slice(&told.body).unwrap();
    let at = notes[0]
        .at
        .to_rfc3339_opts(chrono::SecondsFormat::Micros, true);
    let expected = json!({
        "type": DISABLED,
        "timestamp": at,
        "data": {
            "eventId": told.id,
            "endpointId": id.to_string(),
            "sequence": dead.version,
            "mode": "test",
            "status": "DEAD",
        },
    });
    assert_eq!(body, expected);
    let [beside]: [Arrived; 1] = notices(&stand, BESIDE).try_into().unwrap();
    assert_eq!((beside.id, beside.body), (told.id, told.body));
    for silent in [id, choosy, off] {
        assert_eq!(owed(&stand, silent), 0, "{silent}");
    }
    for stranger in strangers {
        assert_eq!(stand.deliveries(stranger), [], "{stranger}");
    }
    assert_eq!(stand.states(choosy), [State::Delivered], "of the payment");
}

#[tokio::test(start_paused = true)]
async fn of_two_that_go_in_one_moment_both_are_told() {
    let stand = Stand::new();
    let mut gone = Vec::new();
    for url in [SHOP, BESIDE] {
        stand.it.receivers.behave(url, Manner::Answers(410));
        gone.push(stand.endpoint(url, "").await.endpoint.id);
    }
    let watchman = stand.endpoint(WATCHMAN, "").await.endpoint.id;
    stand.happen(1).await;
    seconds(10).await;
    let mut names = Vec::new();
    for id in gone {
        let endpoint = stand.stored(id).await;
        assert_eq!(endpoint.status, Status::Gone);
        names.push(name(&endpoint).to_string());
    }
    let told = notices(&stand, WATCHMAN);
    let mut heard: Vec<String> = told.iter().map(|one| one.id.clone()).collect();
    heard.sort_unstable();
    names.sort_unstable();
    assert_eq!(heard, names);
    for one in told {
        let body: Value = serde_json::from_slice(&one.body).unwrap();
        assert_eq!(body["data"]["status"], "GONE");
    }
    assert_eq!(stand.states(watchman), [State::Delivered; 3]);
    let all = stand.deliveries(watchman);
    assert_eq!(all[1].position - all[0].position, 1, "a microsecond apart");
    assert_eq!(all[2].in_feed(), Some(1), "beside the event");
}

#[tokio::test(start_paused = true)]
async fn what_people_do_to_an_endpoint_nobody_is_told() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let watchman = stand.endpoint(WATCHMAN, "").await.endpoint.id;
    stand.enable(id, false).await;
    stand.enable(id, true).await;
    stand.office().delete(stand.who(), id).await.unwrap();
    seconds(HOUR).await;
    assert_eq!(stand.deliveries(watchman), []);
}

#[tokio::test(start_paused = true)]
async fn it_is_told_with_the_disabling_or_not_at_all() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let watchman = stand.endpoint(WATCHMAN, DISABLED).await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(410));
    stand.it.store.is(Fault::DisablingFails);
    stand.happen(1).await;
    seconds(60).await;
    assert_eq!(stand.stored(id).await.status, Status::Enabled);
    assert_eq!(stand.deliveries(watchman), []);
    // The next try says again what could not be noted; nobody hears whether that was written.
    stand.it.store.is(Fault::DisablingUnanswered);
    stand.happen(1).await;
    seconds(60).await;
    assert!(!stand.it.store.suffers(Fault::DisablingUnanswered));
    let gone = stand.stored(id).await;
    assert_eq!(gone.status, Status::Gone);
    let [told]: [Arrived; 1] = stand.arrived(WATCHMAN).try_into().unwrap();
    assert_eq!(told.id, name(&gone).to_string());
    assert_eq!(stand.states(watchman), [State::Delivered]);
}

#[tokio::test(start_paused = true)]
async fn while_one_beside_it_cannot_be_read_it_is_not_disabled() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    stand.endpoint(WATCHMAN, DISABLED).await;
    stand.it.receivers.behave(SHOP, Manner::Answers(500));
    stand.happen(1).await;
    seconds(1).await;
    let merchant = stand.who().0.merchant;
    stand.it.store.is(Fault::EndpointsUnreadable(merchant));
    stand.it.receivers.behave(SHOP, Manner::Answers(410));
    seconds(HOUR).await;
    assert_eq!(stand.states(id), [State::Failed]);
    assert_eq!(stand.stored(id).await.status, Status::Enabled);
    stand.it.store.is(None);
    stand.happen(1).await;
    seconds(60).await;
    assert_eq!(stand.stored(id).await.status, Status::Gone);
    assert_eq!(stand.arrived(WATCHMAN).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_notice_comes_again_as_it_was_and_is_in_no_range() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let watchman = stand.endpoint(WATCHMAN, "").await.endpoint.id;
    stand.it.receivers.behave(SHOP, Manner::Answers(410));
    stand.it.receivers.behave(WATCHMAN, Manner::Answers(500));
    stand.happen(1).await;
    seconds(60).await;
    let event = name(&stand.stored(id).await);
    // Whatever becomes of the endpoint meanwhile.
    stand.enable(id, true).await;
    stand.it.receivers.behave(WATCHMAN, Manner::Takes);
    seconds(HOUR).await;
    assert_eq!(stand.states(watchman), [State::Delivered; 2]);
    let tried = notices(&stand, WATCHMAN);
    assert!(tried.len() >= 2, "{}", tried.len());

    let (of, office) = ((stand.who().0, watchman), stand.office());
    let everything = Range {
        taken_too: true,
        ..Range::default()
    };
    let range = office.redeliver_range(of, everything).await.unwrap();
    assert_eq!(range.count, 1, "the event alone");
    seconds(5).await;
    assert_eq!(notices(&stand, WATCHMAN).len(), tried.len());
    let again = office.redeliver(of, event).await.unwrap();
    assert_eq!(again.kind, DISABLED);
    seconds(5).await;
    let all = notices(&stand, WATCHMAN);
    assert_eq!(all.len(), tried.len() + 1);
    for one in &all {
        assert_eq!(one.id, event.to_string());
        assert_eq!(one.body, all[0].body);
    }
    let attempts = office.attempts(of, event).await.unwrap();
    assert_eq!(attempts.len(), all.len());

    let listed = office.deliveries(of, None, None, 9).await.unwrap();
    let kinds: Vec<&str> = listed.iter().map(|one| one.kind.as_str()).collect();
    assert_eq!(kinds, ["payment.prepared", DISABLED]);
    let before = Some(listed[0].delivery.position);
    let rest = office.deliveries(of, None, before, 9).await.unwrap();
    assert_eq!(rest, listed[1..]);
    let before = Some(listed[1].delivery.position);
    let rest = office.deliveries(of, None, before, 9).await.unwrap();
    assert_eq!(rest, []);
}
