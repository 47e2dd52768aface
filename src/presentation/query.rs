//! Owns strict query strings: each parameter once, none unknown, every wrong one reported at once.

use std::str::FromStr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Query as Pairs};
use axum::http::request::Parts;
use domain::Timestamp;

use super::Api;
use super::catalogue::Code;
use super::envelope::{Failure, FieldError};

/// A query string, taken apart parameter by parameter; what is left over is unknown.
pub(super) struct Query {
    pairs: Vec<(String, String)>,
    errors: Vec<FieldError>,
}

impl FromRequestParts<Arc<Api>> for Query {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, Failure> {
        let pairs = Pairs::<Vec<(String, String)>>::from_request_parts(parts, api)
            .await
            .map_err(|_| Failure::field("?", Code::FieldCharacter))?;
        Ok(Self {
            pairs: pairs.0,
            errors: Vec::new(),
        })
    }
}

impl Query {
    /// Notes that a parameter is wrong.
    pub(super) fn refuse(&mut self, name: &str, code: Code) {
        let field = name.to_owned();
        self.errors.push(FieldError { field, code });
    }

    /// A parameter's text.
    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        let place = self.pairs.iter().position(|(known, _)| known == name)?;
        let (_, text) = self.pairs.swap_remove(place);
        if self.pairs.iter().any(|(known, _)| known == name) {
            self.pairs.retain(|(known, _)| known != name);
            self.refuse(name, Code::FieldRepeated);
            return None;
        }
        Some(text)
    }

    /// A parameter's value.
    pub(super) fn parsed<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        Code: From<T::Err>,
    {
        let text = self.text(name)?;
        text.parse()
            .map_err(|error| self.refuse(name, Code::from(error)))
            .ok()
    }

    /// A whole number of this range.
    pub(super) fn number<N: FromStr + PartialOrd>(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<N>,
    ) -> Option<N> {
        let text = self.text(name)?;
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text.parse().ok().filter(|n| digits && range.contains(n));
        if number.is_none() {
            self.refuse(name, Code::FieldRange);
        }
        number
    }

    /// An instant with an offset.
    pub(super) fn instant(&mut self, name: &str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let instant = chrono::DateTime::parse_from_rfc3339(&text);
        instant
            .map(|instant| instant.to_utc())
            .map_err(|_| self.refuse(name, Code::InstantMalformed))
            .ok()
    }

    /// Nothing, unless a parameter was wrong or unknown.
    pub(super) fn finish(mut self) -> Result<(), Failure> {
        for (name, _) in std::mem::take(&mut self.pairs) {
            let known = name.len() <= 64 && !domain::card::is_in(&name);
            self.refuse(if known { &name } else { "?" }, Code::FieldUnknown);
        }
        if self.errors.is_empty() {
            Ok(())
        } else {
            Err(Failure::fields(self.errors))
        }
    }
}
