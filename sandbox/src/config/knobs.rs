//! Owns the names under which settings are shown and changed from outside.

use chrono::TimeDelta;
use serde_json::{Map, Value};

use super::choices::Choice;
use super::{API_VERSION_2024, Settings};
use crate::catalogue;

/// Why a setting is not changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// No setting has the name.
    #[error("there is no setting {name}; the settings are {known}")]
    Unknown {
        /// The name asked for.
        name: String,
        /// All names.
        known: String,
    },
    /// The setting has no such value.
    #[error("{name} is {wanted}, not {value:?}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What it takes.
        wanted: String,
        /// What it was given.
        value: String,
    },
}

/// One setting as it is seen from outside.
struct Knob {
    name: &'static str,
    show: fn(&Settings) -> Value,
    /// The settings with another value, or what the values are.
    set: fn(&mut Settings, &str) -> Result<(), String>,
}

macro_rules! choice {
    ($name:literal, $field:ident) => {
        Knob {
            name: $name,
            show: |settings| settings.$field.word().into(),
            set: |settings, word| choose(&mut settings.$field, word),
        }
    };
}

macro_rules! code {
    ($name:literal, $field:ident) => {
        Knob {
            name: $name,
            show: |settings| settings.$field.into(),
            set: |settings, code| {
                let known = catalogue::documented(code);
                settings.$field = known.ok_or("a documented error code")?;
                Ok(())
            },
        }
    };
}

macro_rules! one_of {
    ($name:literal, $field:ident, $values:expr) => {
        Knob {
            name: $name,
            show: |settings| settings.$field.into(),
            set: |settings, text| pick(&mut settings.$field, &$values, text),
        }
    };
}

macro_rules! number {
    ($name:literal, $field:ident, $max:literal) => {
        Knob {
            name: $name,
            show: |settings| settings.$field.into(),
            set: |settings, text| {
                settings.$field = whole(text, $max)?;
                Ok(())
            },
        }
    };
}

macro_rules! duration {
    ($name:literal, $field:ident, $unit:ident, $count:ident, $max:literal) => {
        Knob {
            name: $name,
            show: |settings| settings.$field.$count().into(),
            set: |settings, text| {
                settings.$field = TimeDelta::$unit(whole(text, $max)?);
                Ok(())
            },
        }
    };
}

const KNOBS: [Knob; 53] = [
    code!("wrongAmountCode", wrong_amount_code),
    code!("wrongOrderCode", wrong_order_code),
    code!("unknownPaymentKeyCode", unknown_payment_key_code),
    code!("unpaidCancelCode", unpaid_cancel_code),
    code!("unknownPagingKeyCode", unknown_paging_key_code),
    one_of!("unauthorizedKeyStatus", unauthorized_key_status, [401, 403]),
    one_of!(
        "basicAuthFormatStatus",
        basic_auth_format_status,
        [403, 401]
    ),
    one_of!(
        "consecutiveRequestStatus",
        consecutive_request_status,
        [403, 429]
    ),
    choice!("errorData", error_data),
    number!("requestsPerMinute", requests_per_minute, 1_000_000),
    choice!("tooManyRequests", too_many_requests),
    choice!("padding", padding),
    choice!("orderIdCharacters", order_id_characters),
    choice!("paymentOfOrder", payment_of_order),
    choice!("oldConfirm", old_confirm),
    choice!("secondApproval", second_approval),
    choice!("decline", decline),
    choice!("temporaryError", temporary_error),
    choice!("serverErrors", server_errors),
    choice!("secret", secret),
    choice!("typing", typing),
    choice!("refundableAmount", refundable_amount),
    choice!("taxFreeMismatch", tax_free_mismatch),
    choice!("cardDiscount", card_discount),
    choice!("paymentType", payment_type),
    one_of!("apiVersion", api_version, ["2022-11-16", API_VERSION_2024]),
    duration!("windowMinutes", window, minutes, num_minutes, 44_640),
    duration!(
        "confirmationMinutes",
        confirmation,
        minutes,
        num_minutes,
        44_640
    ),
    duration!("idempotencyDays", idempotency, days, num_days, 3650),
    number!("cardAmountMin", card_amount_min, 1_000_000),
    number!("cardRefundDays", card_refund_days, 36_500),
    choice!("cancelSign", cancel_sign),
    choice!("rangeEnd", range_end),
    choice!("settlements", settlements),
    number!("settlementRowsMax", settlement_rows_max, 100_000),
    duration!("soldAfterDays", sold_after, days, num_days, 365),
    duration!("paidOutAfterDays", paid_out_after, days, num_days, 365),
    number!("feePerMille", fee_per_mille, 1000),
    choice!("repeatedTid", repeated_tid),
    duration!("authKeyMinutes", auth_key, minutes, num_minutes, 44_640),
    code!("unusableAuthKeyCode", unusable_auth_key_code),
    code!("authKeyCustomerCode", auth_key_customer_code),
    code!("unknownBillingKeyCode", unknown_billing_key_code),
    code!("deletedBillingKeyCode", deleted_billing_key_code),
    choice!("failedCharge", failed_charge),
    code!("missingRefundAccountCode", missing_refund_account_code),
    choice!("refundBegins", refund_begins),
    duration!("refundHours", refund, hours, num_hours, 8760),
    choice!("webhookTargets", webhook_targets),
    choice!("webhookSuccess", webhook_success),
    number!("webhookTimeoutSeconds", webhook_timeout_seconds, 60),
    number!(
        "webhookMinuteMilliseconds",
        webhook_minute_milliseconds,
        3_600_000
    ),
    choice!("securityKeyForm", security_key_form),
];

impl Settings {
    /// Changes one setting by its name, as flags and files do.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SettingError> {
        let Some(knob) = KNOBS.iter().find(|knob| knob.name == name) else {
            let known: Vec<&str> = KNOBS.iter().map(|knob| knob.name).collect();
            return Err(SettingError::Unknown {
                name: name.to_owned(),
                known: known.join(", "),
            });
        };
        (knob.set)(self, value).map_err(|wanted| SettingError::Value {
            name: knob.name,
            wanted,
            value: value.to_owned(),
        })
    }

    /// Every setting under its name.
    pub(crate) fn shown(&self) -> Map<String, Value> {
        let all = KNOBS.iter();
        all.map(|knob| (knob.name.to_owned(), (knob.show)(self)))
            .collect()
    }
}

fn choose<C: Choice>(value: &mut C, word: &str) -> Result<(), String> {
    let named = C::named(word).ok_or_else(|| {
        let words: Vec<&str> = C::WORDS.iter().map(|(word, _)| *word).collect();
        words.join(" or ")
    })?;
    *value = named;
    Ok(())
}

fn pick<T: Copy + ToString>(value: &mut T, values: &[T], text: &str) -> Result<(), String> {
    let found = values.iter().find(|known| known.to_string() == text);
    *value = *found.ok_or_else(|| {
        let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
        texts.join(" or ")
    })?;
    Ok(())
}

/// A whole number from 0 to a limit.
fn whole(text: &str, max: i64) -> Result<i64, String> {
    text.parse()
        .ok()
        .filter(|number| (0..=max).contains(number))
        .ok_or_else(|| format!("a whole number from 0 to {max}"))
}

#[cfg(test)]
mod tests {
    use super::{KNOBS, SettingError, Settings, Value};

    fn text(value: &Value) -> String {
        value.as_str().map_or(value.to_string(), str::to_owned)
    }

    #[test]
    fn every_setting_takes_the_value_it_shows() {
        let mut settings = Settings::default();
        for (name, value) in Settings::default().shown() {
            assert_eq!(settings.set(&name, &text(&value)), Ok(()), "{name}={value}");
            assert_eq!(settings.shown().get(&name), Some(&value));
        }
        assert_eq!(
            settings.shown().len(),
            KNOBS.len(),
            "each name is used once"
        );
    }

    #[test]
    fn every_setting_tells_its_values_and_takes_them() {
        for knob in &KNOBS {
            let mut settings = Settings::default();
            let Err(SettingError::Value { wanted, .. }) = settings.set(knob.name, "?") else {
                panic!("{} takes a question mark", knob.name);
            };
            let offered: Vec<&str> = match wanted.as_str() {
                "a documented error code" => vec!["COMMON_ERROR", "NOT_FOUND"],
                number if number.starts_with("a whole number") => vec!["8", "9"],
                words => words.split(" or ").collect(),
            };
            assert!(offered.len() > 1, "{} is no choice", knob.name);
            for value in offered {
                assert_eq!(settings.set(knob.name, value), Ok(()), "{}", knob.name);
                assert_eq!(text(&(knob.show)(&settings)), value, "{}", knob.name);
            }
        }
        for beyond in ["-1", "1.5", "99999999999"] {
            let mut settings = Settings::default();
            assert!(settings.set("feePerMille", beyond).is_err(), "{beyond}");
        }
    }

    #[test]
    fn an_unknown_name_is_told_the_known_ones() {
        let told = Settings::default().set("tyqing", "strict").expect_err("no");
        let text = told.to_string();
        assert!(text.contains("tyqing") && text.contains("typing"), "{text}");
    }
}
