//! Owns the issuers of the tokens that are thrown: their rules, their keys, and the time.

use std::sync::Arc;

use application::ports::Clock;
use domain::Timestamp;
use payflow::adapters::identity::Tokens;
use payflow::config::Config;

/// The time, for ever: a token that was good when it was made stays good.
pub(crate) const NOW: i64 = 1_795_219_200;
/// The merchant of the issuer that has one.
pub(crate) const MERCHANT: &str = "mer_0000000000000000000000000000000001";
/// The merchant of a host.
pub(crate) const HOST_MERCHANT: &str = "mer_0000000000000000000000000000000002";
pub(crate) const HOST: &str = "pay.example";
/// What all issuers with a shared secret share.
pub(crate) const SECRET: &[u8] = include_bytes!("../keys/shared.secret");
const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/keys");

/// A clock that stands still.
pub(crate) struct Still;

impl Clock for Still {
    fn now(&self) -> Timestamp {
        Timestamp::from_timestamp(NOW, 0).expect("a time that a calendar has")
    }
}

/// Verifies the tokens of every issuer.
pub(crate) fn tokens() -> Tokens {
    let config = Config::with(&settings()).expect("settings that are taken");
    Tokens::new(&config, Arc::new(Still)).expect("keys that are taken")
}

fn settings() -> String {
    let shared = |kid: &str| {
        format!("keys = [{{ algorithm = \"HS256\", file = \"{KEYS}/shared.secret\"{kid} }}]")
    };
    let public = |name: &str, algorithm: &str| {
        format!(
            "[identity.issuers.{name}]\nissuer = \"https://{name}.example\"\n\
             audience = [\"payflow\"]\nmode = \"test\"\nmerchant = \"{MERCHANT}\"\n\
             shares_members = true\n\
             keys = [{{ algorithm = \"{algorithm}\", file = \"{KEYS}/{name}.pem\" }}]\n"
        )
    };
    let bound = format!(
        "[identity.issuers.one]\nissuer = \"https://one.example\"\naudience = [\"payflow\"]\n\
         mode = \"test\"\nmerchant = \"{MERCHANT}\"\nshares_members = true\n{}\n",
        shared(", kid = \"k\""),
    );
    let claimed = format!(
        "[identity.issuers.two]\nissuer = \"https://two.example\"\naudience = [\"payflow\"]\n\
         mode = \"test\"\nmerchant_claim = \"merchant\"\nlifetime_max = \"10m\"\n\
         shares_members = true\n\
         required_claims = [\"jti\"]\n{}\n",
        shared(""),
    );
    let hosted = format!(
        "[identity.issuers.three]\nissuer = \"https://three.example\"\nmode = \"live\"\n\
         merchant_by_host = {{ \"{HOST}\" = \"{HOST_MERCHANT}\" }}\n\
         member_claim = \"member\"\ntypes = [\"member+jwt\"]\n{}\n",
        shared(""),
    );
    let others = [
        public("rsa", "RS256"),
        public("ec", "ES256"),
        public("ed", "EdDSA"),
    ];
    format!("{bound}{claimed}{hosted}{}", others.concat())
}
