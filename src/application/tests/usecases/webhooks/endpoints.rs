//! Owns the proof of what merchants may do about their endpoints.

use std::time::Duration;

use application::webhooks::{Edit, EndpointError};
use domain::principal::{Actor, Mode, Scope};
use domain::webhook::{State, Status};

use super::stand::{SHOP, Stand, seconds};

fn deeds(names: &[&str]) -> Vec<(String, Actor)> {
    let deed = |name: &&str| ((*name).to_owned(), Actor::Merchant);
    names.iter().map(deed).collect()
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_shown_once_and_lies_sealed() {
    let stand = Stand::new();
    let shown = stand.endpoint(SHOP, "").await;
    let read = stand
        .office()
        .read(stand.who().0, shown.endpoint.id)
        .await
        .unwrap();
    assert_eq!(read.endpoint, shown.endpoint);
    assert!(!format!("{read:?} {shown:?}").contains(shown.secret.expose()));
    stand.happen(1).await;
    seconds(5).await;
    assert_eq!(stand.arrived(SHOP)[0].secrets, [shown.secret]);
}

#[tokio::test(start_paused = true)]
async fn for_a_time_messages_are_signed_with_both_secrets() {
    let stand = Stand::new();
    let first = stand.endpoint(SHOP, "").await;
    let (who, id) = (stand.who(), first.endpoint.id);
    let grace = Duration::from_hours(1);
    let second = stand.office().rotate(who, id, grace).await.unwrap();
    assert_ne!(first.secret, second.secret);
    stand.happen(1).await;
    seconds(5).await;
    let both = [second.secret.clone(), first.secret];
    assert_eq!(stand.arrived(SHOP)[0].secrets, both);
    seconds(3_600).await;
    stand.happen(1).await;
    seconds(5).await;
    assert_eq!(stand.arrived(SHOP)[1].secrets, [second.secret]);
    let third = stand
        .office()
        .rotate(who, id, Duration::ZERO)
        .await
        .unwrap();
    stand.happen(1).await;
    seconds(5).await;
    assert_eq!(stand.arrived(SHOP)[2].secrets, [third.secret]);
    let told = stand.notes(id).await;
    assert_eq!(told, deeds(&["CREATED", "ROTATED", "ROTATED"]));
}

#[tokio::test(start_paused = true)]
async fn every_promised_grace_is_kept() {
    let stand = Stand::new();
    let first = stand.endpoint(SHOP, "").await;
    let (who, id) = (stand.who(), first.endpoint.id);
    let rotated = async |seconds| {
        let grace = Duration::from_secs(seconds);
        stand.office().rotate(who, id, grace).await
    };
    let second = rotated(7_200).await.unwrap();
    let third = rotated(60).await.unwrap();
    let until = third.endpoint.secrets.previous.as_ref().unwrap().1;
    let promised = until.signed_duration_since(first.endpoint.created_at);
    assert_eq!(promised.num_seconds(), 7_200, "until the last of them ends");
    stand.happen(1).await;
    seconds(5).await;
    let all = [&third, &second, &first].map(|shown| shown.secret.clone());
    assert_eq!(stand.arrived(SHOP)[0].secrets, all);
    seconds(600).await;
    stand.happen(1).await;
    seconds(5).await;
    assert_eq!(
        stand.arrived(SHOP)[1].secrets,
        [all[0].clone(), all[2].clone()]
    );
    // Four more, and there are five beside the current one.
    for _ in 0..4 {
        rotated(7_200).await.unwrap();
    }
    let refused = rotated(7_200).await.unwrap_err();
    assert!(
        matches!(refused, EndpointError::TooManySecrets),
        "{refused:?}"
    );
    let last = rotated(0).await.unwrap();
    stand.happen(1).await;
    seconds(5).await;
    assert_eq!(stand.arrived(SHOP)[2].secrets, [last.secret]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_is_as_its_merchant_says() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let edit = Edit {
        url: Some("https://shop.example/v2".parse().unwrap()),
        events: Some("payment.prepared".parse().unwrap()),
        enabled: Some(false),
    };
    let changed = stand.office().change(stand.who(), id, &edit).await.unwrap();
    assert_eq!(changed, stand.stored(id).await);
    assert_eq!((changed.status, changed.version), (Status::Disabled, 3));
    let again = stand.office().change(stand.who(), id, &edit).await.unwrap();
    assert_eq!(again, changed, "it is so already");
    stand.happen(1).await;
    seconds(5).await;
    stand.enable(id, true).await;
    stand.happen(1).await;
    seconds(5).await;
    assert_eq!(stand.arrived("https://shop.example/v2").len(), 1);
    assert_eq!(stand.arrived(SHOP), []);
    let told = stand.notes(id).await;
    assert_eq!(told, deeds(&["CREATED", "CHANGED", "DISABLED", "ENABLED"]));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_endpoint_is_not_there() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let (scope, office) = (stand.who().0, stand.office());
    stand
        .it
        .receivers
        .behave(SHOP, super::post::Manner::Answers(500));
    stand.happen(1).await;
    seconds(1).await;
    office.delete(stand.who(), id).await.unwrap();
    let tried = stand.arrived(SHOP).len();
    stand.happen(1).await;
    seconds(3_600).await;
    assert_eq!(stand.arrived(SHOP).len(), tried);
    assert_eq!(stand.states(id), [State::Pending]);
    let missing = |error: EndpointError| matches!(error, EndpointError::NotFound);
    assert!(missing(office.read(scope, id).await.unwrap_err()));
    assert!(missing(office.delete(stand.who(), id).await.unwrap_err()));
    let edit = Edit::default();
    assert!(missing(
        office.change(stand.who(), id, &edit).await.unwrap_err()
    ));
    assert_eq!(office.list(scope).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn anothers_endpoint_is_not_there() {
    let stand = Stand::new();
    let id = stand.endpoint(SHOP, "").await.endpoint.id;
    let (own, office) = (stand.who().0, stand.office());
    let live = Scope {
        mode: Mode::Live,
        ..own
    };
    let edit = Edit {
        enabled: Some(false),
        ..Edit::default()
    };
    for scope in [stand.another().scope, live] {
        let who = (scope, Actor::Merchant);
        let refusals = [
            office.read(scope, id).await.map(drop).unwrap_err(),
            office.change(who, id, &edit).await.map(drop).unwrap_err(),
            office
                .rotate(who, id, Duration::ZERO)
                .await
                .map(drop)
                .unwrap_err(),
            office.delete(who, id).await.map(drop).unwrap_err(),
            office
                .deliveries((scope, id), None, None, 9)
                .await
                .map(drop)
                .unwrap_err(),
        ];
        for refused in refusals {
            assert!(matches!(refused, EndpointError::NotFound), "{refused:?}");
        }
    }
    assert_eq!(stand.stored(id).await.version, 1);
}

#[tokio::test(start_paused = true)]
async fn addresses_are_looked_at_and_endpoints_counted() {
    let stand = Stand::new();
    let office = stand.office();
    let add = |url: &str| {
        let (url, events) = (url.parse().unwrap(), "".parse().unwrap());
        office.add(stand.who(), url, events)
    };
    let refused = add("http://shop.example").await.unwrap_err();
    assert!(matches!(refused, EndpointError::Address(_)), "{refused:?}");
    for number in 0..20 {
        add(&format!("https://shop.example/{number}"))
            .await
            .unwrap();
    }
    let refused = add("https://shop.example/20").await.unwrap_err();
    assert!(matches!(refused, EndpointError::TooMany), "{refused:?}");
    let listed = office.list(stand.who().0).await.unwrap();
    assert_eq!(listed.len(), 20);
    office.delete(stand.who(), listed[3].id).await.unwrap();
    add("https://shop.example/20").await.unwrap();
}
