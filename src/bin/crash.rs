//! The `payflow-crash` binary: the service with its crash points, to be killed at one of them.
//!
//! `payflow-crash points` lists those of money, `payflow-crash points billing` those of stored
//! cards, their charges and due cycles, `payflow-crash points events` those of events and
//! `payflow-crash points inbox` those of what gateways tell.
//! `PAYFLOW_CRASH_POINT=name:hit` arms one; everything else is what `payflow` does. It is built
//! only on demand (`--features crash-points`), and `payflow` itself refuses to be built with that
//! feature.

use std::io::Write as _;

use anyhow::Context as _;

fn main() -> anyhow::Result<()> {
    if std::env::args().nth(1).as_deref() == Some("points") {
        let points = match std::env::args().nth(2).as_deref() {
            Some("events") => application::crash::EVENT_POINTS.to_vec(),
            Some("inbox") => application::crash::INBOX_POINTS.to_vec(),
            Some("billing") => [
                application::crash::CARD_POINTS,
                application::crash::CYCLE_POINTS,
                application::crash::CHARGE_POINTS,
            ]
            .concat(),
            Some(_) | None => application::crash::POINTS.to_vec(),
        };
        let mut out = std::io::stdout().lock();
        for point in points {
            writeln!(out, "{point}")?;
        }
        return Ok(());
    }
    if let Some(armed) = armed() {
        let (point, hit) = armed
            .rsplit_once(':')
            .context("PAYFLOW_CRASH_POINT is name:hit")?;
        application::crash::arm(point, hit.parse()?).map_err(anyhow::Error::msg)?;
    }
    payflow::bootstrap::run()
}

#[expect(
    clippy::disallowed_methods,
    reason = "no setting of the service: only this binary has it"
)]
fn armed() -> Option<String> {
    // Names without a section are no settings, so the service's own reading passes over it.
    std::env::var("PAYFLOW_CRASH_POINT").ok()
}
