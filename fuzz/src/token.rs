//! Owns what must hold of tokens as they come: none is believed but what an issuer's key signed.

use std::sync::LazyLock;

use application::ports::TokenVerifier as _;
use payflow::adapters::identity::Tokens;

use crate::input::{Here, line};
use crate::issuers::tokens;

/// What the issuers did sign; their private keys exist no more.
const SIGNED: [&str; 4] = [
    include_str!("../corpus/token/good-rsa"),
    include_str!("../corpus/token/good-ec"),
    include_str!("../corpus/token/good-ed"),
    include_str!("../corpus/token/good-shared"),
];

struct World {
    here: Here,
    tokens: Tokens,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let (here, tokens) = (Here::new(), tokens());
    let world = World { here, tokens };
    for token in SIGNED {
        let good = world.here.wait(world.tokens.verify(token.trim_end(), None));
        assert!(good.is_ok(), "{token}: {good:?}");
    }
    world
});

/// The token, and in a second line the host, where there is one.
pub(crate) fn run(bytes: &[u8]) {
    let (token, host) = line(bytes);
    let (Ok(token), Ok(host)) = (str::from_utf8(token), str::from_utf8(host)) else {
        return;
    };
    let host = Some(host).filter(|host| !host.is_empty());
    let World { here, tokens } = &*WORLD;
    if here.wait(tokens.verify(token, host)).is_ok() {
        let message = |token: &'_ str| {
            token
                .rsplit_once('.')
                .map(|(message, _)| message.to_owned())
        };
        let known = SIGNED
            .iter()
            .any(|signed| message(signed) == message(token));
        assert!(known, "nobody signed {token}");
    }
}
