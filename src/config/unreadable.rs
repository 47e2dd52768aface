//! Owns how an unreadable configuration is told: by the name of the setting, never by its value.
//!
//! Whoever mistypes a secret would find it in the log of the start otherwise.

use std::fmt;

use figment::error::{Actual, Kind};

/// Why the configuration cannot be read.
#[derive(Debug)]
pub struct Unreadable(Vec<String>);

impl From<figment::Error> for Unreadable {
    fn from(error: figment::Error) -> Self {
        Self(error.into_iter().map(|error| told(&error)).collect())
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("; "))
    }
}

fn told(error: &figment::Error) -> String {
    let mut told = kind(&error.kind);
    if !error.path.is_empty() {
        told = format!("{}: {told}", error.path.join("."));
    }
    match &error.metadata {
        Some(metadata) => format!("{told}, in {}", metadata.name),
        None => told,
    }
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Message(message) => without_source(message),
        Kind::InvalidType(found, expected) => {
            format!("{} instead of {expected}", word(found))
        }
        Kind::InvalidValue(found, expected) => {
            format!("{} that is not {expected}", word(found))
        }
        Kind::InvalidLength(length, expected) => {
            format!("of length {length} instead of {expected}")
        }
        Kind::UnknownVariant(_, known) => format!("none of {}", known.join(", ")),
        Kind::UnknownField(name, known) => {
            format!("there is no setting {name}; there are {}", known.join(", "))
        }
        Kind::MissingField(name) => format!("{name} is missing"),
        Kind::DuplicateField(name) => format!("{name} is there twice"),
        Kind::ISizeOutOfRange(_) | Kind::USizeOutOfRange(_) => "a number out of range".to_owned(),
        Kind::Unsupported(found) | Kind::UnsupportedKey(found, _) => {
            format!("{} where none can be", word(found))
        }
    }
}

/// What the parser says of a file, without the line of it that it shows.
fn without_source(message: &str) -> String {
    let lines = message.lines().map(str::trim);
    let kept = lines.filter(|line| !line.is_empty() && !line.contains('|'));
    kept.collect::<Vec<_>>().join(": ")
}

const fn word(found: &Actual) -> &'static str {
    match found {
        Actual::Bool(_) => "true or false",
        Actual::Unsigned(_) | Actual::Signed(_) | Actual::Float(_) => "a number",
        Actual::Char(_) | Actual::Str(_) | Actual::Bytes(_) => "a text",
        Actual::Seq => "a list",
        Actual::Map => "a table",
        Actual::Unit
        | Actual::Option
        | Actual::NewtypeStruct
        | Actual::Enum
        | Actual::UnitVariant
        | Actual::NewtypeVariant
        | Actual::TupleVariant
        | Actual::StructVariant
        | Actual::Other(_) => "something else",
    }
}
