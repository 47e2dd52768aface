//! Dead letters are read by partition and offset, as numbers, one after the other, and from
//! anywhere.

use std::sync::Arc;

use application::ports::Bus;
use application::ports::bus::{BusAway, Header, Message, Receipt, Received, Topic};
use payflow::adapters::kafka::{Kafka, Letters, Settings, Spot, create_topics};
use tokio::sync::mpsc;

use crate::broker::Broker;
use crate::rig::{Counts, LONG, mock, mock_settings, settings};
use crate::stand::Stand;

const DEAD: Topic = Topic::OrderCreatedDead;
/// Past the place where nine comes before ten only as a number.
const COUNT: usize = 23;

/// One of a key's that was put aside, as the service would have.
fn letter(key: &str, number: usize) -> Message {
    let noted = [
        ("mine", number.to_string()),
        ("dead-letter-origin", format!("order.created/0/{number}")),
        ("dead-letter-reason", "no envelope".to_owned()),
        ("dead-letter-topic", "order.created".to_owned()),
        ("dead-letter-place", format!("order.created/0/{number}")),
        (
            "dead-letter-at",
            format!("2026-01-01T00:00:{number:02}.000000Z"),
        ),
    ];
    let header = |(name, value): (&'static str, String)| -> Header {
        (name.into(), Some(value.into_bytes().into()))
    };
    Message {
        topic: DEAD,
        key: Some(key.as_bytes().to_vec()),
        headers: noted.map(header).to_vec(),
        payload: format!("{key} {number}").into_bytes(),
    }
}

async fn put_aside(settings: Settings, letters: &[Message]) {
    let bus = Kafka::new(settings, Arc::<Counts>::default());
    let receipts = bus.publish(letters).await;
    assert!(
        receipts
            .iter()
            .all(|receipt| *receipt == Receipt::Acknowledged)
    );
}

async fn taken(mut read: mpsc::Receiver<Result<Received, BusAway>>) -> Vec<Received> {
    let mut all = Vec::new();
    let taking = async {
        while let Some(letter) = read.recv().await {
            all.push(letter.expect("a letter"));
        }
    };
    tokio::time::timeout(LONG, taking).await.expect("in time");
    all
}

fn spot(letter: &Received) -> Spot {
    letter.place.parse().expect("a place")
}

async fn they_are_read_in_order_and_from_anywhere(settings: Settings) {
    let keys = ["a", "b", "c", "d"];
    let numbers = 0..COUNT;
    let letters: Vec<Message> = numbers
        .flat_map(|number| keys.map(|key| letter(key, number)))
        .collect();
    put_aside(settings.clone(), &letters).await;
    let kept = Letters::of(&settings, DEAD).await.expect("a broker");
    let all = taken(kept.read(None)).await;
    assert_eq!(all.len(), letters.len());
    let spots: Vec<Spot> = all.iter().map(spot).collect();
    assert!(spots.is_sorted(), "{spots:?}");
    let last = spots.iter().map(|spot| (spot.partition, spot.offset));
    let kept = kept.until(&last.collect());
    // What comes later is not among it.
    put_aside(settings.clone(), &[letter("a", 99)]).await;
    assert_eq!(taken(kept.read(None)).await, all);
    for key in keys {
        let its = all
            .iter()
            .filter(|letter| letter.key.as_deref() == Some(key.as_bytes()));
        let payloads: Vec<&[u8]> = its.map(|letter| letter.payload.as_slice()).collect();
        let sent: Vec<Vec<u8>> = (0..COUNT)
            .map(|number| letter(key, number).payload)
            .collect();
        assert_eq!(payloads, sent, "in the order in which they were put aside");
    }
    for place in [0, 9, 10, COUNT, all.len() - 1] {
        let behind = taken(kept.read(Some(spots[place]))).await;
        assert_eq!(behind, all[place + 1..]);
        let found = kept.at(spots[place]).await.expect("a broker");
        assert_eq!(found.as_ref(), Some(&all[place]));
    }
    let nowhere = Spot {
        offset: 1_000,
        ..spots[0]
    };
    assert_eq!(kept.at(nowhere).await, Ok(None));
    // Whoever wants one takes one.
    let mut read = kept.read(None);
    read.recv().await.expect("one").expect("a letter");
    drop(read);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_mock_cluster_they_are_read_in_order_and_from_anywhere() {
    let mock = mock();
    they_are_read_in_order_and_from_anywhere(mock_settings(&mock)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_broker_they_are_read_in_order_and_from_anywhere() {
    let broker = Broker::start();
    let settings = settings(&broker.address());
    create_topics(&settings).await.expect("topics");
    they_are_read_in_order_and_from_anywhere(settings).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn all_are_published_again_in_their_keys_order() {
    let stand = Stand::start().await;
    let letters: Vec<Message> = (0..COUNT).map(|number| letter("order", number)).collect();
    put_aside(settings(&stand.broker.address()), &letters).await;
    let first = stand
        .service
        .run(&["dead-letters", "list", "--limit", "10"]);
    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(lines.len(), 11, "{first}");
    let after = lines[10].strip_prefix("more: --after ").expect("a place");
    let place = |line: &str| line.split(' ').next().expect("a place").to_owned();
    assert_eq!(after, place(lines[9]));
    let rest = stand
        .service
        .run(&["dead-letters", "list", "--after", after]);
    assert_eq!(rest.lines().count(), COUNT - 10, "{rest}");
    let tenth = place(rest.lines().next().expect("a line"));
    let shown = stand.service.run(&["dead-letters", "show", &tenth]);
    assert!(shown.trim_end().ends_with("order 10"), "{shown}");
    let command = ["dead-letters", "show", "order.created/0/0"];
    let refused = stand.service.command(&command).output().expect("it ran");
    assert!(!refused.status.success(), "no topic of dead letters");

    let replayed = stand.service.run(&["dead-letters", "replay", "--all"]);
    assert_eq!(replayed.trim(), format!("{COUNT} published again"));
    let came = stand.all(Topic::OrderCreated, COUNT).await;
    let payloads: Vec<Vec<u8>> = came.into_iter().map(|came| came.payload).collect();
    let sent: Vec<Vec<u8>> = letters.into_iter().map(|letter| letter.payload).collect();
    assert_eq!(payloads, sent);
}
