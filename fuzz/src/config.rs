//! Owns what must hold of the configuration's text: a refusal names a setting, and what is taken
//! breaks none of the rules that keep money and secrets safe.

use std::time::Duration;

use payflow::config::{Config, Error, Gateway};

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(text) = str::from_utf8(bytes) {
        judge(Config::with(text));
    }
}

pub(crate) fn judge(read: Result<Config, Error>) {
    match read {
        Ok(config) => safe(&config),
        Err(Error::Unsafe(refused)) => {
            let (section, key) = refused.setting.split_once('.').expect("section and key");
            assert!(is_section(section) && !key.is_empty(), "{refused}");
            assert!(!refused.why.is_empty());
        }
        Err(Error::Unreadable(error)) => names_a_place(&error.to_string()),
    }
}

/// Whether the documented defaults have this section.
fn is_section(name: &str) -> bool {
    let heading = format!("[{name}]");
    payflow::config::DEFAULTS
        .lines()
        .any(|line| line.trim() == heading)
}

/// It says which setting, or where in the text there is no TOML.
fn names_a_place(text: &str) {
    let in_text = text.contains("TOML parse error at line");
    let unknown = text.contains("there is no setting ");
    let lines = payflow::config::DEFAULTS.lines();
    let mut names = lines.filter_map(|line| match line.strip_prefix('[') {
        Some(section) => section.strip_suffix(']'),
        None => line.split_once(" = ").map(|(key, _)| key),
    });
    assert!(
        in_text || unknown || names.any(|name| text.contains(name)),
        "{text}"
    );
}

fn safe(config: &Config) {
    let timings = &config.timings;
    assert!(timings.patience() < timings.drain());
    assert!(timings.drain() < config.toss_timeouts().total);
    assert!(config.toss_timeouts().total < timings.call_bound());
    assert!(timings.call_bound() < timings.confirm_window());
    assert!(timings.switches_every() <= Duration::from_secs(5));
    assert!(timings.access_believed() <= Duration::from_secs(10));
    assert!(config.payments.amount_minor_max > 0 && config.database.pool_size > 0);
    let url = match config.gateway() {
        Gateway::Embedded => return assert!(config.sandbox.listen.ip().is_loopback()),
        Gateway::Sandbox { url } => {
            assert!(!config.is_live(), "a live key at {url}");
            url
        }
        Gateway::Toss => &config.toss.api_url,
    };
    let here = ["http://127.", "http://localhost", "http://[::1]"];
    let safe = url.starts_with("https://") || here.iter().any(|local| url.starts_with(local));
    assert!(safe, "a key would be sent to {url}");
}
