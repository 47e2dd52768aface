//! Owns what copies of the service share by way of Redis: limits, requests under way, answers a
//! moment old, and bells. None of it decides anything: whatever Redis has lost, forgotten or never
//! heard of, the store says what is right, and each copy counts and listens for itself.

mod chime;
mod limits;
mod link;
mod observed;
mod repeats;
mod settings;

pub use chime::Chime;
pub use limits::Limits;
pub use link::{Link, LinkError};
pub use observed::{Observer, Use};
pub use repeats::Shared;
pub use settings::Settings;
