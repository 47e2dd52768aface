//! Owns JSON as it has to be where two readers must not read two things: no name twice.

use std::collections::BTreeMap;
use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// A value. Of numbers only whole ones say what they are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Strict {
    Whole(i128),
    Text(String),
    List(Vec<Self>),
    Object(BTreeMap<String, Self>),
    Null,
    /// Truth values, fractions.
    Other,
}

impl Strict {
    /// The object that a text spells; none where a name comes twice, at any depth.
    pub(crate) fn object(text: &[u8]) -> Option<BTreeMap<String, Self>> {
        match serde_json::from_slice(text) {
            Ok(Self::Object(fields)) => Some(fields),
            Ok(_) | Err(_) => None,
        }
    }

    pub(crate) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            Some(text)
        } else {
            None
        }
    }

    pub(crate) const fn whole(&self) -> Option<i128> {
        if let Self::Whole(number) = self {
            Some(*number)
        } else {
            None
        }
    }
}

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Strict;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Strict, E> {
        Ok(Strict::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Strict, E> {
        Ok(Strict::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Strict, E> {
        Ok(Strict::Other)
    }

    fn visit_i64<E>(self, number: i64) -> Result<Strict, E> {
        Ok(Strict::Whole(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Strict, E> {
        Ok(Strict::Whole(number.into()))
    }

    fn visit_str<E>(self, text: &str) -> Result<Strict, E> {
        Ok(Strict::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Strict, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Strict::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Strict, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, Strict>()? {
            if fields.insert(name, value).is_some() {
                return Err(A::Error::custom("a name twice"));
            }
        }
        Ok(Strict::Object(fields))
    }
}
