//! Owns the bus on Kafka: its topics, and one producer whose acknowledgement means that a message
//! is kept.

mod consumer;
mod dead_letters;
mod observed;
mod producer;
mod round;
mod settings;
mod topics;

pub use dead_letters::{Letters, NoSpot, Spot};
pub use observed::{Observer, Told};
pub use producer::{Kafka, READER};
pub use settings::Settings;
pub use topics::{TopicsError, create_topics, missing_topics};
