//! Owns the log lines: where they go, in which form, and what is in none of them.

use std::io::IsTerminal as _;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use crate::config::{Log, LogFormat};

/// Starts writing log lines to standard error; does nothing when something else writes already.
///
/// A panic is logged by its place alone: its message may quote what must not be kept.
pub fn log(settings: &Log) {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(place, %backtrace, "panicked");
    }));
    let filter = EnvFilter::try_new(&settings.filter).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let kept = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(shows_no_values));
    let started = match settings.format {
        LogFormat::Pretty => kept.with(lines).try_init(),
        LogFormat::Json => kept.with(lines.json().flatten_event(true)).try_init(),
    };
    if started.is_err() {
        tracing::debug!("log lines are written already");
    }
}

/// The driver of the database writes the values of every statement into its finer lines: names, and
/// what is sealed. They are not kept, whatever the settings ask for.
fn shows_no_values(line: &tracing::Metadata<'_>) -> bool {
    !line.target().starts_with("tokio_postgres") || *line.level() <= tracing::Level::INFO
}
