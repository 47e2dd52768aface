//! Owns randomness: identifiers and secrets, from the operating system's generator.

use application::ports::{Clock, Ids};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use domain::id::RawId;

use super::clock::Wall;

/// Identifiers by the system's time and randomness. Their time part never follows the sandbox.
#[derive(Clone, Default)]
pub struct Drawn {
    system: Wall,
}

impl Ids for Drawn {
    fn draw(&self) -> RawId {
        let milliseconds = self.system.now().timestamp_millis();
        let milliseconds = u64::try_from(milliseconds).unwrap_or(0);
        RawId::from_parts(milliseconds, u128::from_be_bytes(random()))
    }

    fn secret(&self) -> String {
        URL_SAFE_NO_PAD.encode(random::<32>())
    }
}

fn random<const N: usize>() -> [u8; N] {
    let mut bits = [0; N];
    getrandom::fill(&mut bits).expect("the operating system has randomness");
    bits
}
