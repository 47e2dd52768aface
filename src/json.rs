//! Owns strict JSON values: no key twice, and integers that are told from fractions.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

/// What the parser says of a key that came twice; only this file compares it.
const DUPLICATE: &str = "payflow: duplicate key";
/// Every form and every token has fewer fields; more cost more to compare than to send.
const FIELDS_MAX: usize = 64;

/// Why a text is not a value. The parser's own message may quote the text, so it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// An object has a key twice.
    Duplicate,
    /// It is not JSON.
    Syntax,
}

/// A JSON value that still knows whether a number was written as an integer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    Null,
    Bool(bool),
    Integer(i128),
    /// An integer or fraction outside of what any amount can be.
    Huge,
    Fraction,
    Text(String),
    List(Vec<Self>),
    Object(Vec<(String, Self)>),
}

impl Node {
    /// The value that `bytes` spell.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        serde_json::from_slice(bytes).map_err(|error| {
            if error.to_string().starts_with(DUPLICATE) {
                Malformed::Duplicate
            } else {
                Malformed::Syntax
            }
        })
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        // The parser hands over integers beyond 64 bits as floats, too.
        let huge = !(-1e18..=1e18).contains(&value);
        Ok(if huge { Node::Huge } else { Node::Fraction })
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element::<Node>()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Node, A::Error> {
        let mut object: Vec<(String, Node)> = Vec::new();
        while let Some((key, value)) = entries.next_entry::<String, Node>()? {
            if object.iter().any(|(known, _)| *known == key) {
                return Err(A::Error::custom(DUPLICATE));
            }
            if object.len() >= FIELDS_MAX {
                return Err(A::Error::custom("too many fields"));
            }
            object.push((key, value));
        }
        Ok(Node::Object(object))
    }
}
