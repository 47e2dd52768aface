//! Owns the settings of members' tokens; `config/default.toml` explains every key.
#![expect(
    missing_docs,
    reason = "config/default.toml explains every key, in one place"
)]

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::str::FromStr;

use domain::id::MerchantId;
use domain::principal::Mode;
use serde::de::{Deserialize, Deserializer, Error as _};

use super::Span;

#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Identity {
    pub leeway: Span,
    pub token_bytes_max: usize,
    pub jwks_refresh_every: Span,
    pub jwks_refetch_gap: Span,
    pub jwks_stale_max: Span,
    pub files_reread_every: Span,
    /// Who may vouch for members, by a name of ours.
    #[serde(default)]
    pub issuers: BTreeMap<String, Issuer>,
}

/// Who may vouch for members.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    pub issuer: String,
    #[serde(default)]
    pub audience: Vec<String>,
    #[serde(deserialize_with = "word")]
    pub mode: Mode,
    #[serde(default)]
    pub merchant: Option<Word<MerchantId>>,
    #[serde(default)]
    pub merchant_by_host: BTreeMap<String, Word<MerchantId>>,
    #[serde(default)]
    pub merchant_claim: Option<String>,
    #[serde(default)]
    pub shares_members: bool,
    #[serde(default = "member_claim")]
    pub member_claim: String,
    #[serde(default)]
    pub required_claims: Vec<String>,
    #[serde(default = "types")]
    pub types: Vec<String>,
    #[serde(default = "proof_types")]
    pub proof_types: Vec<String>,
    #[serde(default)]
    pub lifetime_max: Option<Span>,
    #[serde(default)]
    pub jwks_url: Option<String>,
    #[serde(default)]
    pub keys: Vec<Key>,
}

/// A key in a file.
#[derive(Clone, Debug, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    pub algorithm: Algorithm,
    pub file: PathBuf,
    #[serde(default)]
    pub kid: Option<String>,
}

/// What a key is for. There is no `none`, and no family to choose from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
pub enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
    #[serde(rename = "HS256")]
    Hs256,
}

impl Algorithm {
    /// As a token's header names it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Es256 => "ES256",
            Self::EdDsa => "EdDSA",
            Self::Hs256 => "HS256",
        }
    }
}

/// A setting that is written as the text of a domain value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word<T>(pub T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        word(deserializer).map(Self)
    }
}

fn word<'de, T: FromStr<Err: Display>, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map_err(D::Error::custom)
}

fn member_claim() -> String {
    "sub".to_owned()
}

fn types() -> Vec<String> {
    vec!["JWT".to_owned(), "at+jwt".to_owned()]
}

fn proof_types() -> Vec<String> {
    vec!["step-up+jwt".to_owned()]
}
