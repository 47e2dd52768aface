//! Owns what must hold of settings out of the environment: as of those out of a text.

use figment::Jail;
use payflow::config::Config;

use crate::config::judge;
use crate::input::line;

/// The names that are read besides ours.
const KNOWN: [&str; 7] = [
    "DATABASE_URL",
    "TOSS_SECRET_KEY",
    "TOSS_CLIENT_KEY",
    "TOSS_MERCHANT_ID",
    "TOSS_API_URL",
    "TOSS_SDK_URL",
    "RUST_LOG",
];

/// Every line is a variable: `NAME=value`, with `PAYFLOW_` before names that are not well known.
#[expect(
    clippy::result_large_err,
    reason = "an error of this size is the library's"
)]
pub(crate) fn run(bytes: &[u8]) {
    let Ok(text) = str::from_utf8(bytes) else {
        return;
    };
    if text.contains('\0') {
        return;
    }
    Jail::expect_with(|jail| {
        let mut rest = text.as_bytes();
        while !rest.is_empty() {
            let (variable, after) = line(rest);
            rest = after;
            let variable = str::from_utf8(variable).unwrap_or_default();
            if let Some((name, value)) = variable.split_once('=') {
                if KNOWN.contains(&name) {
                    jail.set_env(name, value);
                } else {
                    jail.set_env(format!("PAYFLOW_{name}"), value);
                }
            }
        }
        judge(Config::load(None));
        Ok(())
    });
}
