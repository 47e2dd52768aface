//! The topics are made with what was asked for, and what exists stays as it is.

use std::time::Duration;

use application::ports::bus::Topic;
use payflow::adapters::kafka::{Settings, create_topics};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer as _};

use crate::broker::Broker;
use crate::rig::settings;

fn partitions(address: &str, topic: Topic) -> usize {
    let client: BaseConsumer = ClientConfig::new()
        .set("bootstrap.servers", address)
        .create()
        .expect("a client");
    let metadata = client.fetch_metadata(Some(topic.as_str()), Duration::from_secs(10));
    metadata.expect("metadata").topics()[0].partitions().len()
}

#[tokio::test(flavor = "multi_thread")]
async fn topics_are_created_once() {
    let broker = Broker::start();
    let wanted = settings(&broker.address());
    create_topics(&wanted).await.expect("created");
    for topic in Topic::ALL {
        assert_eq!(partitions(&broker.address(), *topic), 3, "{topic}");
    }
    let more = Settings {
        partitions: 5,
        ..wanted
    };
    create_topics(&more).await.expect("there already");
    for topic in Topic::ALL {
        assert_eq!(partitions(&broker.address(), *topic), 3, "{topic}");
    }
}
