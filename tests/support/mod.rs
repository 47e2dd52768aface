//! The servers that integration tests talk to: a database of their own, a browser of their own.

mod browser;
mod postgres;

pub(crate) use browser::{Browser, Screen, browser};
pub(crate) use postgres::{Postgres, postgres};

use std::env;

/// Each test binary uses only some of this module; naming all of it here keeps the compiler from
/// calling the rest dead.
const _: () = {
    let _ = (postgres, Postgres::url);
    let _ = (browser, Browser::client, Screen::PHONE, Screen::DESKTOP);
};

/// A setting that `./scripts/test` hands to the tests.
#[expect(
    clippy::disallowed_methods,
    reason = "the script speaks through the environment"
)]
fn from_script(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("run ./scripts/test (or set {name})"))
}
