//! The servers that integration tests talk to: a database, a browser and a service of their own.

mod browser;
pub(crate) mod canary;
pub(crate) mod collector;
pub(crate) mod lines;
mod postgres;
mod redis;
pub(crate) mod report;
mod server;
mod service;

pub(crate) use browser::{Browser, Screen, browser};
pub(crate) use postgres::{Postgres, postgres};
pub(crate) use redis::Redis;
pub(crate) use server::{Program, Server};
pub(crate) use service::Service;

use std::env;
use std::path::{Path, PathBuf};

/// Each test binary uses only some of this module; naming all of it here keeps the compiler from
/// calling the rest dead.
const _: () = {
    let _ = (postgres, Postgres::url);
    let _ = (browser, Browser::client, Screen::PHONE, Screen::DESKTOP);
    let _ = (shots, Service::start, Service::kill, Service::restart);
    let _ = Service::set;
    let _ = (Redis::start, Redis::url, Redis::kill, Redis::restart);
    let _ = |program: Program| Server::start(program);
    let _ = |collector: &'static collector::Collector| {
        let _ = (collector.url(), collector.all());
        collector.trace("", |_| true)
    };
    let _ = (collector::Collector::start, collector::hex, collector::told);
    let _ = (Redis::freeze, Redis::thaw, Redis::flush, Redis::say);
    let _ = (Service::keys, Service::keys_file, Service::log);
    let _ = (
        Service::run,
        Service::command,
        Service::folder,
        Service::terminate,
    );
    let _ = (
        report::cases,
        report::row,
        report::log,
        canary::Canaries::len,
    );
    let _ = (
        lines::Lines::of_this_process,
        lines::look_through_folder,
        lines::secret,
        lines::so_far,
    );
};

/// Where tests leave what a person may want to look at.
pub(crate) fn shots() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("screenshots");
    std::fs::create_dir_all(&folder).expect("a folder for pictures");
    folder
}

/// A setting that `./scripts/test` hands to the tests.
#[expect(
    clippy::disallowed_methods,
    reason = "the script speaks through the environment"
)]
pub(crate) fn from_script(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| panic!("run ./scripts/test (or set {name})"))
}
