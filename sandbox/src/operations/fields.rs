//! Owns how request fields are read: as leniently as the real server, or strictly.

use serde_json::Value;

use super::refuse;
use crate::catalogue::Refusal;
use crate::config::Typing;

/// No amount is larger: ten times the largest that any contract allows.
const AMOUNT_MAX: i64 = 100_000_000_000;

/// The fields of a request body; null counts as absent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fields<'a> {
    body: &'a Value,
    typing: Typing,
}

impl<'a> Fields<'a> {
    /// Anything but a JSON object is refused.
    pub(crate) fn of(body: &'a Value, typing: Typing) -> Result<Self, Refusal> {
        if body.is_object() {
            Ok(Self { body, typing })
        } else {
            refuse("INVALID_REQUEST")
        }
    }

    pub(crate) fn value(self, name: &str) -> Option<&'a Value> {
        self.body.get(name).filter(|value| !value.is_null())
    }

    pub(crate) fn text(self, name: &str) -> Result<Option<String>, Refusal> {
        match (self.value(name), self.typing) {
            (None, _) => Ok(None),
            (Some(Value::String(text)), _) => Ok(Some(text.clone())),
            (Some(Value::Number(number)), Typing::Lenient) => Ok(Some(number.to_string())),
            (Some(_), _) => refuse("INVALID_REQUEST"),
        }
    }

    pub(crate) fn required_text(self, name: &str) -> Result<String, Refusal> {
        match self.text(name)? {
            Some(text) if !text.is_empty() => Ok(text),
            Some(_) | None => refuse("INVALID_REQUEST"),
        }
    }

    /// A whole number of won; `1000.0` is one, `1000.5` is not.
    pub(crate) fn amount(self, name: &str) -> Result<Option<i64>, Refusal> {
        let text = match (self.value(name), self.typing) {
            (None, _) => return Ok(None),
            (Some(Value::Number(number)), _) => number.to_string(),
            (Some(Value::String(text)), Typing::Lenient) => text.trim().to_owned(),
            (Some(_), _) => return refuse("INVALID_REQUEST"),
        };
        let whole = text.strip_suffix(".0").unwrap_or(&text);
        match whole.parse::<i64>() {
            Ok(amount) if amount.unsigned_abs() <= AMOUNT_MAX.unsigned_abs() => Ok(Some(amount)),
            Ok(_) | Err(_) => refuse("INVALID_REQUEST"),
        }
    }

    pub(crate) fn required_amount(self, name: &str) -> Result<i64, Refusal> {
        self.amount(name)?
            .map_or_else(|| refuse("INVALID_REQUEST"), Ok)
    }
}
