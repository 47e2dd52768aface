//! Owns the making of tokens, good ones and others, without the library that verifies them.

use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaEncoding,
    RsaPublicKeyComponents,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Base64url without padding.
pub(crate) fn encoded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// A token before it is signed: names and literal JSON values, in order, also twice.
#[derive(Clone)]
pub(crate) struct Issued {
    header: Vec<(String, String)>,
    claims: Vec<(String, String)>,
}

impl Issued {
    pub(crate) fn new(algorithm: &str, kid: &str) -> Self {
        let empty = Self {
            header: Vec::new(),
            claims: Vec::new(),
        };
        let quoted = |text: &str| format!("\"{text}\"");
        empty
            .head("alg", &quoted(algorithm))
            .head("typ", "\"JWT\"")
            .head("kid", &quoted(kid))
    }

    /// With this field of the header, instead of the one that may be there.
    pub(crate) fn head(mut self, name: &str, literal: &str) -> Self {
        put(&mut self.header, name, literal);
        self
    }

    /// With this claim, instead of the one that may be there.
    pub(crate) fn claim(mut self, name: &str, literal: &str) -> Self {
        put(&mut self.claims, name, literal);
        self
    }

    pub(crate) fn headless(mut self, name: &str) -> Self {
        self.header.retain(|(known, _)| known != name);
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.claims.retain(|(known, _)| known != name);
        self
    }

    /// With this field of the header once more.
    pub(crate) fn head_again(mut self, name: &str, literal: &str) -> Self {
        self.header.push((name.to_owned(), literal.to_owned()));
        self
    }

    /// With this claim once more.
    pub(crate) fn claim_again(mut self, name: &str, literal: &str) -> Self {
        self.claims.push((name.to_owned(), literal.to_owned()));
        self
    }

    /// The header, encoded.
    pub(crate) fn head_part(&self) -> String {
        encoded(object(&self.header))
    }

    /// The claims, encoded.
    pub(crate) fn claims_part(&self) -> String {
        encoded(object(&self.claims))
    }

    pub(crate) fn signed(&self, signer: &Signer) -> String {
        signer.over(&self.head_part(), &self.claims_part())
    }
}

fn put(fields: &mut Vec<(String, String)>, name: &str, literal: &str) {
    match fields.iter_mut().find(|(known, _)| known == name) {
        Some((_, kept)) => literal.clone_into(kept),
        None => fields.push((name.to_owned(), literal.to_owned())),
    }
}

fn object(fields: &[(String, String)]) -> String {
    let fields: Vec<String> = fields
        .iter()
        .map(|(name, literal)| format!("\"{name}\":{literal}"))
        .collect();
    format!("{{{}}}", fields.join(","))
}

/// Who signs.
pub(crate) enum Signer {
    Rsa(Box<RsaKeyPair>, &'static dyn RsaEncoding),
    Ec(Box<EcdsaKeyPair>),
    Ed(Box<Ed25519KeyPair>),
    Secret(Vec<u8>, hmac::Algorithm),
}

impl Signer {
    pub(crate) fn rsa() -> Self {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
        Self::Rsa(Box::new(pair), &RSA_PKCS1_SHA256)
    }

    pub(crate) fn ec() -> Self {
        Self::on(&ECDSA_P256_SHA256_FIXED_SIGNING)
    }

    pub(crate) fn p384() -> Self {
        Self::on(&ECDSA_P384_SHA384_FIXED_SIGNING)
    }

    fn on(curve: &'static EcdsaSigningAlgorithm) -> Self {
        Self::Ec(Box::new(EcdsaKeyPair::generate(curve).expect("a key")))
    }

    pub(crate) fn ed() -> Self {
        Self::Ed(Box::new(Ed25519KeyPair::generate().expect("a key")))
    }

    pub(crate) fn secret(bytes: impl AsRef<[u8]>) -> Self {
        Self::Secret(bytes.as_ref().to_vec(), hmac::HMAC_SHA256)
    }

    /// The same RSA key, with another way to sign.
    pub(crate) fn by(&self, encoding: &'static dyn RsaEncoding) -> Self {
        let Self::Rsa(pair, _) = self else {
            panic!("only RSA signs in several ways")
        };
        let private: Pkcs8V1Der<'_> = pair.as_der().expect("a private key");
        let pair = RsaKeyPair::from_pkcs8(private.as_ref()).expect("the same key");
        Self::Rsa(Box::new(pair), encoding)
    }

    /// A token of these parts.
    pub(crate) fn over(&self, header: &str, claims: &str) -> String {
        let message = format!("{header}.{claims}");
        let signature = self.signature(message.as_bytes());
        format!("{message}.{}", encoded(signature))
    }

    pub(crate) fn signature(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &random, message, &mut signature)
                    .expect("a signature");
                signature
            }
            Self::Ec(pair) => {
                let signature = pair.sign(&random, message).expect("a signature");
                signature.as_ref().to_vec()
            }
            Self::Ed(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Secret(secret, algorithm) => {
                let key = hmac::Key::new(*algorithm, secret);
                hmac::sign(&key, message).as_ref().to_vec()
            }
        }
    }

    /// The public key, bare.
    pub(crate) fn public(&self) -> Vec<u8> {
        match self {
            Self::Rsa(pair, _) => pair.public_key().as_ref().to_vec(),
            Self::Ec(pair) => pair.public_key().as_ref().to_vec(),
            Self::Ed(pair) => pair.public_key().as_ref().to_vec(),
            Self::Secret(..) => Vec::new(),
        }
    }

    /// The public key as certificates hold it.
    pub(crate) fn der(&self) -> Vec<u8> {
        let der: Result<PublicKeyX509Der<'_>, _> = match self {
            Self::Rsa(pair, _) => pair.public_key().as_der(),
            Self::Ec(pair) => pair.public_key().as_der(),
            Self::Ed(pair) => pair.public_key().as_der(),
            Self::Secret(..) => return Vec::new(),
        };
        der.expect("a public key").as_ref().to_vec()
    }

    pub(crate) fn pem(&self) -> String {
        pem("PUBLIC KEY", &self.der())
    }

    /// The public key as an issuer publishes it.
    pub(crate) fn jwk(&self, kid: &str) -> Value {
        match self {
            Self::Rsa(pair, _) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "kid": kid, "n": encoded(parts.n), "e": encoded(parts.e) })
            }
            Self::Ec(_) => {
                let point = self.public();
                let (x, y) = point[1..].split_at((point.len() - 1) / 2);
                let curve = if x.len() == 32 { "P-256" } else { "P-384" };
                json!({ "kty": "EC", "kid": kid, "crv": curve, "x": encoded(x), "y": encoded(y) })
            }
            Self::Ed(_) => json!({ "kty": "OKP", "kid": kid, "crv": "Ed25519",
                                   "x": encoded(self.public()) }),
            Self::Secret(secret, _) => json!({ "kty": "oct", "kid": kid, "k": encoded(secret) }),
        }
    }
}

/// PEM with this label.
pub(crate) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).expect("ASCII"))
        .collect();
    let lines = lines.join("\n");
    format!("-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n")
}
