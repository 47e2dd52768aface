//! Owns how Redis is reached, and how long things are kept there.

use std::fmt;
use std::time::Duration;

use application::ports::vault::Secret;

/// How Redis is reached, and how long things are kept there.
#[derive(Clone)]
pub struct Settings {
    /// Where it is: `redis://` or `rediss://`, with a password perhaps.
    pub url: Secret,
    /// How long making a connection may take. Nobody waits for one.
    pub connect_timeout: Duration,
    /// How long an answer may take. Whoever waits longer goes on without.
    pub response_timeout: Duration,
    /// What every key and channel begins with.
    pub prefix: String,
    /// How long a request counts as under way at most.
    pub under_way_max: Duration,
    /// How long an answer is kept; zero keeps none.
    pub answers_kept: Duration,
}

/// Without the password that an address may hold.
impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("prefix", &self.prefix)
            .field("response_timeout", &self.response_timeout)
            .finish_non_exhaustive()
    }
}
