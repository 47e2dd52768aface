//! An issuer whose members may call, and one whose keys cannot be had.

use std::fs;
use std::sync::Arc;

use application::ports::Clock as _;
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use domain::id::MerchantId;
use jsonwebtoken::crypto::sign;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use payflow::adapters::clock::Wall;
use payflow::adapters::identity::Tokens;
use payflow::config::Config;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::lines;

const ISSUER: &str = "https://login.example";
/// Whose keys are at an address where nobody listens.
pub(crate) const AWAY: &str = "https://away.example";
/// Whose members belong to the merchant of the host that they call.
pub(crate) const HOSTED: &str = "https://hosted.example";
/// Whose members see live payments.
pub(crate) const LIVE_ISSUER: &str = "https://live.example";
/// Who vouches for the same members as the first issuer, with the same keys.
pub(crate) const SECOND: &str = "https://second.example";
/// The host of the first merchant.
pub(crate) const HOST: &str = "pay.one.example";
/// The host of the second one.
pub(crate) const OTHER_HOST: &str = "pay.other.example";

/// The header of a proof.
pub(crate) const PROOF_HEADER: &str = r#"{"alg":"EdDSA","typ":"step-up+jwt"}"#;

/// Makes tokens, and verifies them.
#[derive(Clone)]
pub(crate) struct Members {
    pub(crate) tokens: Arc<Tokens>,
    /// By which tokens and proofs are made and judged.
    pub(crate) clock: Wall,
    key: EncodingKey,
    /// The merchants of the rig, in the order of their keys.
    pub(crate) merchants: Vec<MerchantId>,
    _file: Arc<TempDir>,
}

impl Members {
    pub(crate) fn of(merchants: Vec<MerchantId>) -> Self {
        let pair = Ed25519KeyPair::generate().unwrap();
        let private: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let public: PublicKeyX509Der<'_> = pair.public_key().as_der().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("key.pem");
        let pem = STANDARD.encode(public.as_ref());
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{pem}\n-----END PUBLIC KEY-----\n");
        fs::write(&file, pem).unwrap();
        let issuer = |name: &str, issuer: &str, mode: &str, more: &str| {
            format!(
                "[identity.issuers.{name}]\nissuer = \"{issuer}\"\nmode = \"{mode}\"\n\
                 shares_members = true\n{more}\n"
            )
        };
        let keys = format!(
            "keys = [{{ algorithm = \"EdDSA\", file = \"{}\" }}]\n",
            file.display()
        );
        let claim = "audience = [\"payflow\"]\nmerchant_claim = \"merchant\"\n";
        let claimed = format!("{claim}{keys}");
        let host = merchants.first().unwrap();
        let other = merchants.get(1).unwrap_or(host);
        let hosts = format!(
            "{keys}merchant_by_host = {{ \"{HOST}\" = \"{host}\", \"{OTHER_HOST}\" = \"{other}\" }}"
        );
        let away = format!("{claim}jwks_url = \"http://127.0.0.1:9/jwks\"");
        let settings = [
            issuer("login", ISSUER, "test", &claimed),
            issuer("second", SECOND, "test", &claimed),
            issuer("hosted", HOSTED, "test", &hosts),
            issuer("live", LIVE_ISSUER, "live", &claimed),
            issuer("away", AWAY, "test", &away),
        ];
        let config = Config::with(&settings.concat()).unwrap();
        let clock = Wall::default();
        let tokens = Tokens::new(&config, Arc::new(clock.clone())).unwrap();
        Self {
            tokens: Arc::new(tokens),
            clock,
            key: EncodingKey::from_ed_der(private.as_ref()),
            merchants,
            _file: Arc::new(folder),
        }
    }

    /// A token of the first merchant's member.
    pub(crate) fn token(&self, member: &str) -> String {
        self.token_with(member, &[])
    }

    /// One with these claims besides or instead.
    pub(crate) fn token_with(&self, member: &str, claims: &[(&str, Value)]) -> String {
        let now = self.clock.now().timestamp();
        let mut all = json!({
            "iss": ISSUER, "aud": "payflow", "sub": member, "iat": now,
            "exp": now.saturating_add(600),
            "merchant": self.merchants[0].to_string(),
        });
        for (name, value) in claims {
            all[*name] = value.clone();
        }
        if all["iss"] == HOSTED && all["aud"] == "payflow" {
            all["aud"] = json!(format!("https://{HOST}"));
        }
        let mut header = Header::new(Algorithm::EdDSA);
        if all["iss"] == AWAY {
            header.kid = Some("k".to_owned());
        }
        let token = jsonwebtoken::encode(&header, &all, &self.key).unwrap();
        token.split('.').for_each(lines::secret);
        token
    }

    /// What proves that the first merchant's member answered a challenge now.
    pub(crate) fn proof_claims(&self, member: &str, challenge: &str) -> Value {
        let now = self.clock.now().timestamp();
        json!({
            "iss": ISSUER, "aud": "payflow", "sub": member, "iat": now, "auth_time": now,
            "exp": now.saturating_add(120), "nonce": challenge,
            "merchant": self.merchants[0].to_string(),
        })
    }

    /// A proof of it.
    pub(crate) fn proof(&self, member: &str, challenge: &str) -> String {
        let claims = self.proof_claims(member, challenge);
        self.signed(PROOF_HEADER, &claims.to_string())
    }

    /// A token of this very header and these very claims, with a signature that holds.
    pub(crate) fn signed(&self, header: &str, claims: &str) -> String {
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part));
        let message = format!("{header}.{claims}");
        let signature = sign(message.as_bytes(), &self.key, Algorithm::EdDSA).unwrap();
        format!("{message}.{signature}")
    }
}
