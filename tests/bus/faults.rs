//! A broker that errs, is away, or answers too late: nothing is lost, nothing passes anything of
//! its key, and operators hear of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use application::ports::Bus;
use application::ports::bus::{Message, Receipt};
use payflow::adapters::kafka::Kafka;
use rdkafka::types::{RDKafkaApiKey, RDKafkaRespErr};
use tokio::time::{sleep, timeout};

use crate::rig::{
    Counts, LONG, Mock, assert_ordered, message, messages, mock, mock_settings, publish_all,
    take_all,
};

/// Every broker of the cluster.
const ALL: i32 = -1;

struct Rig {
    mock: Mock,
    bus: Kafka,
    counts: Arc<Counts>,
}

fn rig() -> Rig {
    let mock = mock();
    let counts = Arc::<Counts>::default();
    let bus = Kafka::new(mock_settings(&mock), Arc::<Counts>::clone(&counts));
    Rig { mock, bus, counts }
}

impl Rig {
    /// The next requests to publish are answered so.
    fn errs(&self, errors: &[RDKafkaRespErr]) {
        self.mock.request_errors(RDKafkaApiKey::Produce, errors);
    }
}

fn is_away(receipt: &Receipt) -> bool {
    matches!(receipt, Receipt::Away(_))
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_that_pass_are_not_noticed() {
    use RDKafkaRespErr as E;
    let rig = rig();
    rig.errs(&[
        E::RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION,
        E::RD_KAFKA_RESP_ERR__TRANSPORT,
        E::RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
        E::RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
        E::RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE,
    ]);
    let all = messages(5, 10);
    publish_all(&rig.bus, &all).await;
    let came = take_all(&rig.bus, "a", 5, 10).await;
    assert_ordered(&came, 5, 10);
    assert!(rig.counts.acknowledged.load(Ordering::Relaxed) >= all.len());
    assert!(!rig.counts.away.load(Ordering::Relaxed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_away_is_told_of_and_met_when_it_is_back() {
    let rig = rig();
    let all = messages(4, 30);
    let (before, after) = all.split_at(40);
    publish_all(&rig.bus, before).await;
    rig.mock.broker_down(ALL).expect("down");
    // The broker stays away: whatever ends this gave it up by itself.
    let given_up = timeout(LONG, rig.bus.publish(after)).await;
    let receipts = given_up.expect("nobody waits for the broker");
    assert!(receipts.iter().all(is_away), "{receipts:?}");
    let receipts = rig.bus.publish(after).await;
    assert!(receipts.iter().all(is_away));
    assert!(rig.counts.away.load(Ordering::Relaxed));
    assert_eq!(
        rig.counts.times_away.load(Ordering::Relaxed),
        1,
        "told once"
    );
    rig.mock.broker_up(ALL).expect("up");
    publish_all(&rig.bus, after).await;
    assert!(!rig.counts.away.load(Ordering::Relaxed));
    let came = take_all(&rig.bus, "a", 4, 30).await;
    assert_ordered(&came, 4, 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn lost_acknowledgements_lose_nothing_and_turn_nothing_round() {
    let rig = rig();
    let all = messages(3, 20);
    rig.mock
        .broker_round_trip_time(ALL, Duration::from_secs(3))
        .expect("slow");
    let receipts = rig.bus.publish(&all).await;
    assert!(receipts.iter().all(is_away), "answered too late");
    rig.mock
        .broker_round_trip_time(ALL, Duration::ZERO)
        .expect("fast");
    sleep(Duration::from_secs(3)).await;
    publish_all(&rig.bus, &all).await;
    let came = take_all(&rig.bus, "a", 3, 20).await;
    assert_ordered(&came, 3, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_that_ends_the_producer_makes_a_new_one() {
    use RDKafkaRespErr as E;
    let rig = rig();
    let all = messages(3, 10);
    for fatal in [
        E::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED,
        E::RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH,
        E::RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID,
        E::RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER,
        E::RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED,
    ] {
        rig.errs(&[fatal; 3]);
        let receipts = rig.bus.publish(&all[..1]).await;
        assert!(
            !matches!(receipts[0], Receipt::Refused(_)),
            "{fatal:?} is nothing about the message: {receipts:?}"
        );
        rig.mock.clear_request_errors(RDKafkaApiKey::Produce);
    }
    publish_all(&rig.bus, &all).await;
    let came = take_all(&rig.bus, "a", 3, 10).await;
    assert_ordered(&came, 3, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_in_company_is_tried_alone() {
    use RDKafkaRespErr as E;
    let rig = rig();
    let all = messages(3, 10);
    rig.errs(&[E::RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE]);
    publish_all(&rig.bus, &all).await;
    assert_eq!(rig.counts.refused.load(Ordering::Relaxed), 0);
    let came = take_all(&rig.bus, "a", 3, 10).await;
    assert_ordered(&came, 3, 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_large_is_refused_and_nothing_of_its_key_passes_it() {
    let rig = rig();
    let large = Message {
        payload: vec![b'x'; 2_000_000],
        ..message(0, 2)
    };
    let all = [message(0, 1), large, message(0, 3), message(1, 1)];
    let mut receipts = rig.bus.publish(&all).await;
    // The others may have to be told again: their producer ended with what was refused.
    if is_away(&receipts[0]) || is_away(&receipts[3]) {
        receipts = rig.bus.publish(&all).await;
    }
    assert_eq!(receipts[0], Receipt::Acknowledged);
    assert!(matches!(receipts[1], Receipt::Refused(_)), "{receipts:?}");
    assert!(is_away(&receipts[2]), "{receipts:?}");
    assert_eq!(receipts[3], Receipt::Acknowledged);
    assert_eq!(rig.counts.refused.load(Ordering::Relaxed), 1);
    assert!(!rig.counts.away.load(Ordering::Relaxed) || is_away(&receipts[2]));
}

/// Whatever happens to the broker, in whichever order.
#[tokio::test(flavor = "multi_thread")]
async fn through_a_storm_everything_comes_in_order() {
    use RDKafkaRespErr as E;
    const ROUNDS: usize = 12;
    let rig = rig();
    let all = messages(20, 60);
    let storm = async {
        for round in 0..ROUNDS {
            match round % 4 {
                0 => rig.errs(&[E::RD_KAFKA_RESP_ERR__TRANSPORT; 2]),
                1 => {
                    rig.mock.broker_down(ALL).expect("down");
                    sleep(Duration::from_millis(300)).await;
                    rig.mock.broker_up(ALL).expect("up");
                }
                2 => rig.errs(&[E::RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED]),
                _ => {
                    let late = Duration::from_millis(2_200);
                    rig.mock.broker_round_trip_time(ALL, late).expect("slow");
                    sleep(Duration::from_millis(300)).await;
                    rig.mock
                        .broker_round_trip_time(ALL, Duration::ZERO)
                        .expect("fast");
                }
            }
            sleep(Duration::from_millis(200)).await;
        }
    };
    let publishing = async {
        for batch in all.chunks(100) {
            publish_all(&rig.bus, batch).await;
            sleep(Duration::from_millis(150)).await;
        }
    };
    tokio::join!(storm, publishing);
    let came = take_all(&rig.bus, "a", 20, 60).await;
    assert_ordered(&came, 20, 60);
}
