//! Owns what is read from a body's JSON: typed fields, every wrong one reported at once.

use std::str::FromStr;

use domain::text;

use super::catalogue::Code;
use super::envelope::{Failure, FieldError};
use crate::json::{Malformed, Node};

/// A body's object, taken apart field by field; what is left over is unknown.
#[derive(Debug)]
pub(super) struct Form {
    prefix: &'static str,
    fields: Vec<(String, Node)>,
    errors: Vec<FieldError>,
}

impl Form {
    /// The object that `bytes` spell.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        let node = Node::parse(bytes).map_err(|malformed| match malformed {
            Malformed::Duplicate => Failure::from(Code::DuplicateJsonKey),
            Malformed::Syntax => Failure::from(Code::MalformedJson),
        })?;
        match node {
            Node::Object(fields) => Ok(Self::over("", fields)),
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Huge
            | Node::Fraction
            | Node::Text(_)
            | Node::List(_) => Err(Failure::field("$", Code::FieldType)),
        }
    }

    const fn over(prefix: &'static str, fields: Vec<(String, Node)>) -> Self {
        Self {
            prefix,
            fields,
            errors: Vec::new(),
        }
    }

    /// Notes that a field is wrong.
    pub(super) fn refuse(&mut self, name: &str, code: Code) {
        let field = format!("{}{name}", self.prefix);
        self.errors.push(FieldError { field, code });
    }

    /// Takes a field out; null is the same as none.
    fn take(&mut self, name: &str) -> Option<Node> {
        let place = self.fields.iter().position(|(known, _)| known == name)?;
        let (_, node) = self.fields.swap_remove(place);
        (node != Node::Null).then_some(node)
    }

    fn parsed<T: FromStr>(&mut self, name: &str, node: Node) -> Option<T>
    where
        Code: From<T::Err>,
    {
        let Node::Text(text) = node else {
            self.refuse(name, Code::FieldType);
            return None;
        };
        text.parse()
            .map_err(|error| self.refuse(name, Code::from(error)))
            .ok()
    }

    /// A text that has to be there.
    pub(super) fn required<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        Code: From<T::Err>,
    {
        let Some(node) = self.take(name) else {
            self.refuse(name, Code::FieldRequired);
            return None;
        };
        self.parsed(name, node)
    }

    /// A text that may be there.
    pub(super) fn optional<T: FromStr<Err = text::Error>>(&mut self, name: &str) -> Option<T> {
        let node = self.take(name)?;
        self.parsed(name, node)
    }

    /// A word that may be there.
    pub(super) fn optional_word<T: FromStr>(&mut self, name: &str) -> Option<T>
    where
        Code: From<T::Err>,
    {
        let node = self.take(name)?;
        self.parsed(name, node)
    }

    /// A word that may be there, else `default`; none when it is wrong.
    pub(super) fn optional_as<T: FromStr>(&mut self, name: &str, default: T) -> Option<T>
    where
        Code: From<T::Err>,
    {
        match self.take(name) {
            Some(node) => self.parsed(name, node),
            None => Some(default),
        }
    }

    /// A list of words that may be there, with so many at most.
    ///
    /// # Errors
    /// It is wrong, which is noted.
    pub(super) fn optional_words<T: FromStr>(
        &mut self,
        name: &str,
        most: usize,
    ) -> Result<Option<Vec<T>>, ()>
    where
        Code: From<T::Err>,
    {
        let nodes = match self.take(name) {
            None => return Ok(None),
            Some(Node::List(nodes)) if nodes.len() <= most => nodes,
            Some(Node::List(_)) => {
                self.refuse(name, Code::FieldLength);
                return Err(());
            }
            Some(_) => {
                self.refuse(name, Code::FieldType);
                return Err(());
            }
        };
        let words: Option<Vec<T>> = nodes
            .into_iter()
            .map(|node| self.parsed(name, node))
            .collect();
        words.map(Some).ok_or(())
    }

    /// A yes or no that may be there.
    pub(super) fn optional_flag(&mut self, name: &str) -> Option<bool> {
        match self.take(name)? {
            Node::Bool(value) => Some(value),
            Node::Null
            | Node::Integer(_)
            | Node::Huge
            | Node::Fraction
            | Node::Text(_)
            | Node::List(_)
            | Node::Object(_) => {
                self.refuse(name, Code::FieldType);
                None
            }
        }
    }

    /// A yes or no that has to be there.
    pub(super) fn required_flag(&mut self, name: &str) -> Option<bool> {
        let refused = match self.take(name) {
            Some(Node::Bool(value)) => return Some(value),
            Some(_) => Code::FieldType,
            None => Code::FieldRequired,
        };
        self.refuse(name, refused);
        None
    }

    /// An amount that has to be there; whether zero will do is the caller's to say.
    pub(super) fn required_amount(&mut self, name: &str) -> Option<i64> {
        let Some(node) = self.take(name) else {
            self.refuse(name, Code::FieldRequired);
            return None;
        };
        self.amount(name, &node)
    }

    /// An amount that may be there.
    pub(super) fn optional_amount(&mut self, name: &str) -> Option<i64> {
        let node = self.take(name)?;
        self.amount(name, &node)
    }

    fn amount(&mut self, name: &str, node: &Node) -> Option<i64> {
        let refused = match node {
            Node::Integer(value) if *value < 0 => Code::AmountNegative,
            Node::Integer(value) => match i64::try_from(*value) {
                Ok(minor) => return Some(minor),
                Err(_) => Code::AmountOverLimit,
            },
            Node::Huge => Code::AmountOverLimit,
            Node::Fraction => Code::AmountNotInteger,
            Node::Null | Node::Bool(_) | Node::Text(_) | Node::List(_) | Node::Object(_) => {
                Code::FieldType
            }
        };
        self.refuse(name, refused);
        None
    }

    /// A whole number of this range that may be there.
    pub(super) fn optional_number(
        &mut self,
        name: &str,
        range: std::ops::RangeInclusive<u64>,
    ) -> Option<u64> {
        let node = self.take(name)?;
        let refused = match node {
            Node::Integer(value) => match u64::try_from(value) {
                Ok(number) if range.contains(&number) => return Some(number),
                Ok(_) | Err(_) => Code::FieldRange,
            },
            Node::Huge => Code::FieldRange,
            Node::Null
            | Node::Bool(_)
            | Node::Fraction
            | Node::Text(_)
            | Node::List(_)
            | Node::Object(_) => Code::FieldType,
        };
        self.refuse(name, refused);
        None
    }

    /// The fields of an object that may be there; `prefix` names them in errors.
    pub(super) fn nested<T>(
        &mut self,
        name: &str,
        prefix: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> Option<T> {
        let node = self.take(name)?;
        let Node::Object(fields) = node else {
            self.refuse(name, Code::FieldType);
            return None;
        };
        let mut inner = Self::over(prefix, fields);
        let value = read(&mut inner);
        self.errors.extend(inner.into_errors());
        Some(value)
    }

    fn into_errors(mut self) -> Vec<FieldError> {
        for (name, _) in std::mem::take(&mut self.fields) {
            // A stranger's name is not ours to repeat when it holds what must not be stored.
            let shown = if name.len() > 64 || domain::card::is_in(&name) {
                "?"
            } else {
                &name
            };
            self.refuse(shown, Code::FieldUnknown);
        }
        self.errors
    }

    /// What `read` made of the fields, unless any of them was wrong or unknown.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, Failure> {
        let errors = self.into_errors();
        match value {
            Some(value) if errors.is_empty() => Ok(value),
            Some(_) | None => Err(Failure::fields(errors)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code_of(body: &str) -> Code {
        Form::parse(body.as_bytes()).unwrap_err().code()
    }

    #[test]
    fn keys_come_once_at_any_depth() {
        assert_eq!(code_of(r#"{"a":1,"a":1}"#), Code::DuplicateJsonKey);
        assert_eq!(
            code_of(r#"{"a":[{"b":{"c":1,"c":2}}]}"#),
            Code::DuplicateJsonKey
        );
        assert_eq!(code_of(r#"{"a":1,"\u0061":1}"#), Code::DuplicateJsonKey);
        assert_eq!(code_of(r#"{"a":1"#), Code::MalformedJson);
        assert_eq!(code_of(r#"{"a":1}{}"#), Code::MalformedJson);
        assert_eq!(code_of(&"[".repeat(100_000)), Code::MalformedJson);
    }

    #[test]
    fn amounts_are_written_as_integers() {
        let amount = |literal: &str| {
            let mut form = Form::parse(format!(r#"{{"amount":{literal}}}"#).as_bytes()).unwrap();
            let minor = form.required_amount("amount");
            minor.ok_or_else(|| form.errors.first().unwrap().code)
        };
        assert_eq!(amount("1000"), Ok(1000));
        assert_eq!(amount("0"), Ok(0));
        for (literal, code) in [
            ("1000.0", Code::AmountNotInteger),
            ("1e3", Code::AmountNotInteger),
            ("0.5", Code::AmountNotInteger),
            ("-1", Code::AmountNegative),
            ("9223372036854775808", Code::AmountOverLimit),
            ("99999999999999999999999", Code::AmountOverLimit),
            ("1e300", Code::AmountOverLimit),
            ("\"1000\"", Code::FieldType),
            ("true", Code::FieldType),
            ("[1]", Code::FieldType),
            ("null", Code::FieldRequired),
        ] {
            assert_eq!(amount(literal), Err(code), "{literal}");
        }
    }
}
