//! Owns the form of a token: three parts, strict JSON, and no header that steers verification.

use application::ports::identity::Flaw;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::json::{Malformed, Node};

/// No key's name is longer.
const KID_BYTES_MAX: usize = 256;
/// Headers that bring a key, name where one is, or ask for rules of their own (RFC 7515 §4.1,
/// RFC 7797, RFC 7516). Keys come from our configuration alone, so whoever sends them is refused.
const STEERING: [&str; 8] = ["crit", "b64", "zip", "enc", "jku", "jwk", "x5u", "x5c"];

/// A token that was taken apart. Nothing in it is believed yet.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// What the header says it was signed with; compared, never followed.
    pub(super) algorithm: String,
    /// What kind of token it says to be; empty where it says nothing.
    pub(super) kind: String,
    /// Which of its issuer's keys it says to be signed with.
    pub(super) kid: Option<String>,
    /// What it claims.
    pub(super) claims: Object,
    /// What was signed.
    pub(super) message: &'a str,
    /// The signature, encoded.
    pub(super) signature: &'a str,
}

impl<'a> Token<'a> {
    /// Takes a token apart.
    pub(super) fn parse(text: &'a str) -> Result<Self, Flaw> {
        let mut parts = text.split('.');
        let (Some(header), Some(claims), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(Flaw::Parts);
        };
        let message = text
            .get(..header.len().saturating_add(claims.len()).saturating_add(1))
            .ok_or(Flaw::Parts)?;
        let header = Object::decode(header)?;
        if STEERING.iter().any(|name| header.get(name).is_some()) {
            return Err(Flaw::Steering);
        }
        // A token in a token would be verified by its wrapping alone (RFC 7519 §5.2).
        if header.get("cty").is_some() {
            return Err(Flaw::Type);
        }
        let kid = header.header("kid")?;
        if kid.is_some_and(|kid| kid.len() > KID_BYTES_MAX) {
            return Err(Flaw::Key);
        }
        Ok(Self {
            algorithm: header.header("alg")?.ok_or(Flaw::Algorithm)?.to_owned(),
            kind: header.header("typ")?.unwrap_or_default().to_owned(),
            kid: kid.map(ToOwned::to_owned),
            claims: Object::decode(claims)?,
            message,
            signature,
        })
    }
}

/// A JSON object whose names are each there once.
#[derive(Debug)]
pub(super) struct Object(Vec<(String, Node)>);

impl Object {
    fn decode(part: &str) -> Result<Self, Flaw> {
        let bytes = URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Encoding)?;
        let node = Node::parse(&bytes).map_err(|malformed| match malformed {
            Malformed::Duplicate => Flaw::Duplicate,
            Malformed::Syntax => Flaw::Json,
        })?;
        match node {
            Node::Object(fields) => Ok(Self(fields)),
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Huge
            | Node::Fraction
            | Node::Text(_)
            | Node::List(_) => Err(Flaw::Json),
        }
    }

    /// What stands under a name.
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(_, node)| node)
    }

    /// The text under a name; none when there is something else.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Node::Text(text) => Some(text),
            Node::Null
            | Node::Bool(_)
            | Node::Integer(_)
            | Node::Huge
            | Node::Fraction
            | Node::List(_)
            | Node::Object(_) => None,
        }
    }

    fn header(&self, name: &str) -> Result<Option<&str>, Flaw> {
        match (self.get(name), self.text(name)) {
            (Some(_), None) => Err(Flaw::Header),
            (_, text) => Ok(text),
        }
    }
}
