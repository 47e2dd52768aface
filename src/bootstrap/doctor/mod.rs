//! Owns `payflow doctor`: looks at everything the service needs as it is configured here, changes
//! nothing, and says what to mend.

mod broker;
mod database;
mod gateway;
mod late;
mod machine;
mod shared;

use std::path::Path;

use serde::Serialize;

use super::demo;
use crate::adapters::telemetry;
use crate::config::{Config, Error};

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Standing {
    /// As it should be.
    Ok,
    /// Not asked for by the settings, or it could not be looked at because of another finding.
    Skipped,
    /// Payments go on, and somebody should look.
    Warning,
    /// The service does not start, or does not do what it should.
    Failed,
}

/// What was found about one thing.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Finding {
    check: &'static str,
    status: Standing,
    says: String,
    /// What to do about it, where something is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, says: impl Into<String>) -> Self {
        Self::of(check, Standing::Ok, says.into(), None)
    }

    fn skipped(check: &'static str, says: impl Into<String>) -> Self {
        Self::of(check, Standing::Skipped, says.into(), None)
    }

    fn warning(check: &'static str, says: impl Into<String>, fix: &str) -> Self {
        Self::of(check, Standing::Warning, says.into(), Some(fix.to_owned()))
    }

    fn failed(check: &'static str, says: impl Into<String>, fix: &str) -> Self {
        Self::of(check, Standing::Failed, says.into(), Some(fix.to_owned()))
    }

    const fn of(check: &'static str, status: Standing, says: String, fix: Option<String>) -> Self {
        Self {
            check,
            status,
            says,
            fix,
        }
    }
}

/// What a command prints, and whether all is well.
pub(super) struct Report(Vec<Finding>);

impl Report {
    /// One line of JSON for each finding.
    pub(super) fn lines(&self) -> String {
        let line = |finding: &Finding| serde_json::to_string(finding).unwrap_or_default();
        let lines: Vec<String> = self.0.iter().map(line).collect();
        lines.join("\n")
    }

    /// # Errors
    /// Something failed.
    pub(super) fn verdict(&self) -> anyhow::Result<()> {
        let failed = self
            .0
            .iter()
            .filter(|found| found.status == Standing::Failed);
        let failed: Vec<&str> = failed.map(|found| found.check).collect();
        anyhow::ensure!(failed.is_empty(), "not well: {}", failed.join(", "));
        Ok(())
    }
}

/// The settings themselves.
///
/// # Errors
/// There are none that anything else could be looked at by; the report says why.
pub(super) fn configuration(file: Option<&Path>) -> Result<(Config, Finding), Report> {
    const CHECK: &str = "configuration";
    let refused = |error: &Error| {
        let fix = "mend the setting that it names; config/default.toml explains each";
        Report(vec![Finding::failed(CHECK, error.to_string(), fix)])
    };
    let config = Config::load(file).map_err(|error| refused(&error))?;
    let finding = match config.check_serving(demo::IS_BUILT_IN) {
        Ok(()) => Finding::ok(CHECK, "it can be read, and is safe as a whole"),
        Err(error) => Finding::failed(CHECK, error.to_string(), "set what it names"),
    };
    Ok((config, finding))
}

/// Looks at everything else.
pub(super) async fn examined(config: &Config, configuration: Finding) -> Report {
    let mut findings = vec![configuration];
    let database = database::examine(config, &mut findings).await;
    findings.push(shared::redis(config).await);
    findings.push(broker::kafka(config).await);
    gateway::examine(config, &mut findings).await;
    findings.push(traces(config));
    findings.push(machine::disk(config));
    findings.extend(machine::certificates(config));
    if let Some(database) = database {
        database::work(config, &database, &mut findings).await;
    }
    Report(findings)
}

/// Where spans go. Payments go on without.
fn traces(config: &Config) -> Finding {
    const CHECK: &str = "traces";
    match telemetry::sends_spans(&config.traces) {
        Ok(true) => Finding::ok(
            CHECK,
            "spans are sent to the collector that the settings name",
        ),
        Ok(false) => Finding::skipped(CHECK, "traces.endpoint names no collector"),
        Err(error) => Finding::warning(
            CHECK,
            format!("spans are sent to nobody: {error}"),
            "set traces.endpoint, or OTEL_EXPORTER_OTLP_ENDPOINT, to http://HOST:4318, or to \
             nothing, and start the copies anew",
        ),
    }
}
