//! Owns the issuers of the attacks: public keys, shared secrets, bound by claim, issuer and host.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use application::ports::{Clock, Ids as _};
use domain::Timestamp;
use domain::id::MerchantId;
use payflow::adapters::identity::Tokens;
use payflow::adapters::ids::Drawn;
use payflow::config::Config;
use tempfile::TempDir;

use crate::jwt::forge::{Issued, Signer};

/// When the tokens are looked at, in seconds.
pub(crate) const NOW: i64 = 1_800_000_000;
/// The issuer with a key of each kind; its tokens name the merchant.
pub(crate) const KEYS: &str = "https://keys.example";
/// The issuer with secrets; bound to one merchant, its tokens live an hour at most.
pub(crate) const SHARED: &str = "https://shared.example";
/// The issuer whose hosts name the merchant.
pub(crate) const HOSTED: &str = "https://hosted.example";

/// Stands still.
pub(crate) struct Still(pub(crate) i64);

impl Clock for Still {
    fn now(&self) -> Timestamp {
        chrono::DateTime::from_timestamp(self.0, 0).expect("a time")
    }
}

pub(crate) struct World {
    pub(crate) tokens: Tokens,
    pub(crate) merchant: MerchantId,
    pub(crate) other: MerchantId,
    pub(crate) rsa: Signer,
    pub(crate) ec: Signer,
    pub(crate) ed: Signer,
    pub(crate) secret: Signer,
    /// Keys of nobody.
    pub(crate) thief: Thief,
    _files: TempDir,
}

/// Keys of the same kinds that no issuer has.
pub(crate) struct Thief {
    pub(crate) rsa: Signer,
    pub(crate) ec: Signer,
    pub(crate) p384: Signer,
    pub(crate) ed: Signer,
}

/// The merchant's id as JSON.
pub(crate) fn quoted(merchant: MerchantId) -> String {
    format!("\"{merchant}\"")
}

impl World {
    pub(crate) fn new() -> Self {
        let files = tempfile::tempdir().expect("a folder");
        let ids = Drawn::default();
        let [merchant, other] = [(); 2].map(|()| MerchantId::new(ids.draw()));
        let (rsa, ec, ed) = (Signer::rsa(), Signer::ec(), Signer::ed());
        let secret = "a secret that is long enough to be one";
        for (name, text) in [
            ("rsa.pem", rsa.pem()),
            ("ec.pem", ec.pem()),
            ("ed.pem", ed.pem()),
            ("secret", format!("{secret}\n")),
        ] {
            fs::write(files.path().join(name), text).expect("a file");
        }
        let settings = settings(files.path(), merchant, other);
        let config = Config::with(&settings).expect("settings");
        let tokens = Tokens::new(&config, Arc::new(Still(NOW))).expect("keys");
        Self {
            tokens,
            merchant,
            other,
            rsa,
            ec,
            ed,
            secret: Signer::secret(secret),
            thief: Thief {
                rsa: Signer::rsa(),
                ec: Signer::ec(),
                p384: Signer::p384(),
                ed: Signer::ed(),
            },
            _files: files,
        }
    }

    fn issued(&self, issuer: &str, algorithm: &str, kid: &str) -> Issued {
        Issued::new(algorithm, kid)
            .claim("iss", &format!("\"{issuer}\""))
            .claim("aud", "\"payflow\"")
            .claim("sub", "\"member-1\"")
            .claim("exp", &(NOW + 600).to_string())
            .claim("nbf", &(NOW - 60).to_string())
            .claim("iat", &(NOW - 60).to_string())
            .claim("merchant", &quoted(self.merchant))
    }

    /// To be signed by `rsa`.
    pub(crate) fn rsa(&self) -> Issued {
        self.issued(KEYS, "RS256", "rsa-1")
    }

    /// To be signed by `ec`.
    pub(crate) fn ec(&self) -> Issued {
        self.issued(KEYS, "ES256", "ec-1")
    }

    /// To be signed by `ed`.
    pub(crate) fn ed(&self) -> Issued {
        self.issued(KEYS, "EdDSA", "ed-1")
    }

    /// To be signed by `secret`.
    pub(crate) fn shared(&self) -> Issued {
        self.issued(SHARED, "HS256", "secret-1")
            .claim("scope", "\"pay\"")
    }

    /// To be signed by `rsa`; carries no kid.
    pub(crate) fn hosted(&self) -> Issued {
        let issued = self.issued(HOSTED, "RS256", "").headless("kid");
        issued.claim("aud", "\"https://pay.two.example\"")
    }

    /// Tokens that have to be let in, among them all that only look odd.
    pub(crate) fn good(&self) -> Vec<(&'static str, String)> {
        let rsa =
            |name, change: &dyn Fn(Issued) -> Issued| (name, change(self.rsa()).signed(&self.rsa));
        let at = |seconds: i64| (NOW + seconds).to_string();
        vec![
            rsa("RS256", &|token| token),
            ("ES256", self.ec().signed(&self.ec)),
            ("EdDSA", self.ed().signed(&self.ed)),
            ("HS256", self.shared().signed(&self.secret)),
            ("by host", self.hosted().signed(&self.rsa)),
            rsa("a list of audiences", &|token| {
                token.claim("aud", r#"["elsewhere","payflow"]"#)
            }),
            rsa("expired within the leeway", &|token| {
                token.claim("exp", &at(-29))
            }),
            rsa("begins within the leeway", &|token| {
                token.claim("nbf", &at(30))
            }),
            rsa("issued within the leeway", &|token| {
                token.claim("iat", &at(30))
            }),
            rsa("no nbf and no iat", &|token| {
                token.without("nbf").without("iat")
            }),
            rsa("an access token", &|token| token.head("typ", "\"at+jwt\"")),
            rsa("a long typ", &|token| {
                token.head("typ", "\"application/AT+JWT\"")
            }),
            rsa("a thumbprint", &|token| {
                token.head("x5t", "\"NjVBRjY5MDlCMUIw\"")
            }),
            rsa("claims of its own", &|token| {
                token.claim("roles", r#"[{"a":null},1.5,true]"#)
            }),
        ]
    }
}

fn settings(files: &Path, merchant: MerchantId, other: MerchantId) -> String {
    let files = files.display();
    format!(
        r#"
[identity.issuers.keys]
issuer = "{KEYS}"
audience = ["payflow", "payflow-too"]
mode = "test"
merchant_claim = "merchant"
shares_members = true
keys = [
    {{ algorithm = "RS256", kid = "rsa-1", file = "{files}/rsa.pem" }},
    {{ algorithm = "ES256", kid = "ec-1", file = "{files}/ec.pem" }},
    {{ algorithm = "EdDSA", kid = "ed-1", file = "{files}/ed.pem" }},
]
[identity.issuers.shared]
issuer = "{SHARED}"
audience = ["payflow"]
mode = "live"
merchant = "{merchant}"
required_claims = ["scope"]
lifetime_max = "1h"
keys = [{{ algorithm = "HS256", kid = "secret-1", file = "{files}/secret" }}]
[identity.issuers.hosted]
issuer = "{HOSTED}"
mode = "test"
shares_members = true
merchant_by_host = {{ "pay.one.example" = "{merchant}", "pay.two.example" = "{other}" }}
keys = [{{ algorithm = "RS256", file = "{files}/rsa.pem" }}]
"#
    )
}
