//! Owns reading the envelope of a message that came in.

use std::fmt;
use std::marker::PhantomData;

use domain::trace::Trace;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::ports::bus::Received;
use crate::{App, trace};

/// A `CloudEvents` 1.0 envelope in JSON; what else is in it is of no concern.
#[derive(Debug, Deserialize)]
pub(super) struct Opened<D> {
    specversion: String,
    /// Unique together with the source.
    pub(super) id: String,
    pub(super) source: String,
    #[serde(default)]
    traceparent: Option<String>,
    #[serde(bound = "D: Deserialize<'de>", deserialize_with = "object")]
    pub(super) data: D,
}

/// What is written by names. Of a list, too, a structure would be made, by the order of its fields.
pub(super) fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    struct Named<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for Named<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(entries))
        }
    }

    deserializer.deserialize_map(Named(PhantomData))
}

impl<D: DeserializeOwned> Opened<D> {
    /// Reads it; why it cannot be read is told without a word of what it says.
    pub(super) fn of(received: &Received) -> Result<Self, String> {
        let opened = Self::read(&received.payload).map_err(|error| {
            let (kind, line, column) = (error.classify(), error.line(), error.column());
            format!("no such envelope: {kind:?} at line {line}, column {column}")
        })?;
        if opened.specversion != "1.0" {
            return Err("not of CloudEvents 1.0".to_owned());
        }
        if opened.id.is_empty() || opened.source.is_empty() {
            return Err("its id or its source is empty".to_owned());
        }
        Ok(opened)
    }

    fn read(payload: &[u8]) -> serde_json::Result<Self> {
        // What is of no concern is passed over unread, and yet the whole has to be JSON: what one
        // reader takes and the next one refuses is no message.
        serde_json::from_slice::<serde_json::Value>(payload)?;
        let mut text = serde_json::Deserializer::from_slice(payload);
        let read = object(&mut text)?;
        text.end()?;
        Ok(read)
    }

    /// The trace that it goes on with; a fresh one where it has none. Who sends it does not decide
    /// whether we record it.
    pub(super) fn trace(&self, app: &App) -> Trace {
        let given = self
            .traceparent
            .as_deref()
            .and_then(|text| text.parse().ok());
        given.map_or_else(|| app.runner.fresh_trace(), trace::decided)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ports::bus::Topic;

    fn opened(payload: &str) -> Result<Opened<serde_json::Value>, String> {
        opened_bytes(payload.as_bytes())
    }

    fn opened_bytes(payload: &[u8]) -> Result<Opened<serde_json::Value>, String> {
        Opened::of(&Received {
            topic: Topic::OrderCreated,
            key: None,
            headers: Vec::new(),
            payload: payload.to_vec(),
            place: "order.created/0/0".to_owned(),
        })
    }

    #[test]
    fn an_envelope_is_opened() {
        let text = r#"{"specversion":"1.0","id":"1","source":"/o","type":"t","more":1,"data":{}}"#;
        let opened = opened(text).unwrap();
        assert_eq!((opened.id.as_str(), opened.source.as_str()), ("1", "/o"));
    }

    #[test]
    fn what_is_none_is_refused_without_a_word_of_it() {
        for text in [
            "",
            "null",
            "4111111111111111",
            r#"{"specversion":"0.3","id":"1","source":"/o","data":{}}"#,
            r#"{"specversion":"1.0","id":"","source":"/o","data":{}}"#,
            r#"{"specversion":"1.0","id":1,"source":"4111111111111111","data":{}}"#,
            r#"{"specversion":"1.0","id":"1","source":"/o"}"#,
            r#"{"specversion":"1.0","id":"1","source":"/o","data":[]}"#,
            r#"["1.0","1","/o",null,{}]"#,
            r#"{"specversion":"1.0","id":"1","source":"/o","data":{}} {}"#,
        ] {
            let why = opened(text).unwrap_err();
            assert!(!why.contains("4111"), "{why}");
        }
    }

    #[test]
    fn what_is_of_no_concern_has_to_be_json_too() {
        let of = |kind: &[u8]| {
            let (head, tail) = (
                br#"{"specversion":"1.0","id":"1","source":"/o","type":""#.as_slice(),
                br#"","data":{}}"#.as_slice(),
            );
            opened_bytes(&[head, kind, tail].concat())
        };
        assert!(of("결제".as_bytes()).is_ok());
        for wrong in [b"\xd5Y".as_slice(), b"\xff", br"\ud800", br"\x"] {
            assert!(of(wrong).is_err(), "{wrong:?}");
        }
    }
}
