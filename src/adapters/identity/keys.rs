//! Owns the keys of an issuer: each for one algorithm, from a file or from a JWK.

use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use base64::{DecodeError, Engine as _};
use jsonwebtoken::DecodingKey;
use jsonwebtoken::jwk::{
    AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse,
};

use crate::config::identity::Algorithm;

/// A shared secret with fewer bytes can be guessed (RFC 7518 §3.2).
const SECRET_BYTES_MIN: usize = 32;
/// A modulus with fewer bytes can be factored (RFC 7518 §3.3).
const MODULUS_BYTES_MIN: usize = 256;
/// What the cryptography verifies with.
const MODULUS_BYTES_MAX: usize = 1024;
const P256_COORDINATE_BYTES: usize = 32;
const ED25519_BYTES: usize = 32;

/// Why a key cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A key that signs does not belong here.
    #[error("it is a private key; only the public one belongs here")]
    Private,
    /// Not a public key in PEM, or of another kind than its algorithm needs.
    #[error("it is not one public key in PEM for this algorithm")]
    Form,
    /// Too short to prove anything.
    #[error("it is too short: a secret has 32 bytes or more, an RSA key 2048 bits or more")]
    Short,
    /// Everybody knows it.
    #[error("it is a public key, not a secret")]
    Public,
    /// Not for signatures, or for an algorithm that we do not take.
    #[error("it is not for verifying RS256, ES256 or EdDSA")]
    Purpose,
}

/// A key, and the one algorithm that it is for.
#[derive(Clone)]
pub(super) struct Key {
    algorithm: Algorithm,
    decoding: DecodingKey,
}

impl Key {
    /// The algorithm that tokens of this key have to name.
    pub(super) const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Whether this key signed `message`.
    pub(super) fn signed(&self, message: &str, signature: &str) -> bool {
        let algorithm = match self.algorithm {
            Algorithm::Rs256 => jsonwebtoken::Algorithm::RS256,
            Algorithm::Es256 => jsonwebtoken::Algorithm::ES256,
            Algorithm::EdDsa => jsonwebtoken::Algorithm::EdDSA,
            Algorithm::Hs256 => jsonwebtoken::Algorithm::HS256,
        };
        let message = message.as_bytes();
        let verified = jsonwebtoken::crypto::verify(signature, message, &self.decoding, algorithm);
        verified.unwrap_or(false)
    }

    /// The key in a file: a public key in PEM, or a secret as it is, but for a last line end.
    pub(super) fn read(algorithm: Algorithm, content: &[u8]) -> Result<Self, Unfit> {
        let is_pem = content.windows(10).any(|text| text == b"-----BEGIN");
        let holds = |word: &[u8]| content.windows(word.len()).any(|text| text == word);
        if holds(b"PRIVATE KEY") {
            return Err(Unfit::Private);
        }
        let decoding = match algorithm {
            Algorithm::Hs256 => {
                if is_pem || holds(b"\"kty\"") {
                    return Err(Unfit::Public);
                }
                DecodingKey::from_secret(content.trim_ascii_end())
            }
            Algorithm::Rs256 => DecodingKey::from_rsa_pem(content).map_err(|_| Unfit::Form)?,
            Algorithm::Es256 => DecodingKey::from_ec_pem(content).map_err(|_| Unfit::Form)?,
            Algorithm::EdDsa => DecodingKey::from_ed_pem(content).map_err(|_| Unfit::Form)?,
        };
        if is_pem && !holds(b"PUBLIC KEY-----") {
            return Err(Unfit::Form);
        }
        Self::fit(algorithm, decoding)
    }

    /// A key of a JWK set, and its name. Its algorithm is what its kind allows, and what it says.
    pub(super) fn of_jwk(jwk: &Jwk) -> Result<Self, Unfit> {
        let common = &jwk.common;
        let usable = matches!(common.public_key_use, None | Some(PublicKeyUse::Signature));
        let operations = common.key_operations.as_deref();
        if !usable || operations.is_some_and(|all| !all.contains(&KeyOperations::Verify)) {
            return Err(Unfit::Purpose);
        }
        let curve = |wanted, found: &EllipticCurve| *found == wanted;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "a secret that is published is none, other curves and kinds are not ours"
        )]
        let (algorithm, named) = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => (Algorithm::Rs256, KeyAlgorithm::RS256),
            AlgorithmParameters::EllipticCurve(ec) if curve(EllipticCurve::P256, &ec.curve) => {
                (Algorithm::Es256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(ed) if curve(EllipticCurve::Ed25519, &ed.curve) => {
                (Algorithm::EdDsa, KeyAlgorithm::EdDSA)
            }
            _ => return Err(Unfit::Purpose),
        };
        if common.key_algorithm.is_some_and(|said| said != named) {
            return Err(Unfit::Purpose);
        }
        // The library puts both coordinates together, however long each is.
        if let AlgorithmParameters::EllipticCurve(ec) = &jwk.algorithm
            && !is_point(&ec.x, &ec.y)
        {
            return Err(Unfit::Form);
        }
        let decoding = DecodingKey::from_jwk(jwk).map_err(|_| Unfit::Form)?;
        Self::fit(algorithm, decoding)
    }

    /// The key, unless its own parts show that it cannot be what it is said to be.
    fn fit(algorithm: Algorithm, decoding: DecodingKey) -> Result<Self, Unfit> {
        if algorithm == Algorithm::Hs256 {
            let secret = decoding.try_get_as_bytes().map_err(|_| Unfit::Form)?;
            if secret.len() < SECRET_BYTES_MIN {
                return Err(Unfit::Short);
            }
            return Ok(Self {
                algorithm,
                decoding,
            });
        }
        let parts = Jwk::from_decoding_key(&decoding, None).map_err(|_| Unfit::Form)?;
        #[expect(
            clippy::wildcard_enum_match_arm,
            reason = "the library may come to know more kinds; none of them fits"
        )]
        let fits = match &parts.algorithm {
            AlgorithmParameters::RSA(rsa) => match bytes(&rsa.n) {
                Ok(modulus) if modulus < MODULUS_BYTES_MIN => return Err(Unfit::Short),
                Ok(modulus) => modulus <= MODULUS_BYTES_MAX && is_exponent(&rsa.e),
                Err(_) => false,
            },
            AlgorithmParameters::EllipticCurve(ec) => is_point(&ec.x, &ec.y),
            AlgorithmParameters::OctetKeyPair(ed) => bytes(&ed.x) == Ok(ED25519_BYTES),
            _ => false,
        };
        if fits {
            Ok(Self {
                algorithm,
                decoding,
            })
        } else {
            Err(Unfit::Form)
        }
    }
}

fn bytes(text: &str) -> Result<usize, DecodeError> {
    URL_SAFE_NO_PAD.decode(text).map(|bytes| bytes.len())
}

/// Odd, and not one: with such an exponent everybody could sign, or nobody.
fn is_exponent(text: &str) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let (last, before) = bytes.split_last().unwrap_or((&0, &[]));
    last % 2 == 1 && (*last > 1 || before.iter().any(|byte| *byte > 0))
}

fn is_point(x: &str, y: &str) -> bool {
    [x, y].map(bytes) == [Ok(P256_COORDINATE_BYTES), Ok(P256_COORDINATE_BYTES)]
}
