//! Owns what must hold of sealed values and master keys: what was changed does not open, and what
//! was not does.

use std::sync::{Arc, LazyLock};

use application::memory::Memory;
use application::ports::Vault as _;
use application::ports::vault::{Place, Secret};
use domain::change::Change;
use domain::id::MerchantId;
use domain::merchant::Merchant;
use domain::vault::Sealed;
use payflow::adapters::vault::{MasterKeys, Vault};

use crate::input::Here;
use crate::issuers::{MERCHANT, NOW, Still};

const SECRET: &str = "test_sk_canary";
const MASTER: &str = "a:YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE=";

struct World {
    here: Here,
    vault: Vault,
    sealed: Sealed,
}

static WORLD: LazyLock<World> = LazyLock::new(|| {
    let here = Here::new();
    let store = Arc::new(Memory::new(Arc::new(Still)));
    let (name, currencies) = ("shop".parse(), "KRW".parse());
    let merchant = Merchant::new(
        merchant(),
        name.expect("a name"),
        currencies.expect("a currency"),
        chrono::DateTime::from_timestamp(NOW, 0).expect("a time"),
    );
    let inserted = store.commit_now(&[Change::InsertMerchant(merchant)]);
    inserted.expect("an empty store takes a merchant");
    let masters = MasterKeys::parse(MASTER).expect("a master key");
    let vault = Vault::new(masters, store);
    let sealed = here.wait(vault.seal(place("row"), &Secret::from(SECRET)));
    World {
        here,
        vault,
        sealed: sealed.expect("a secret is sealed"),
    }
});

fn merchant() -> MerchantId {
    MERCHANT.parse().expect("an id")
}

fn place(row: &str) -> Place<'_> {
    Place {
        merchant: merchant(),
        table: "gateway_accounts",
        row,
        column: "secret_key",
    }
}

/// The bytes as a sealed value, as changes to one, and as master keys.
pub(crate) fn run(bytes: &[u8]) {
    let World {
        here,
        vault,
        sealed,
    } = &*WORLD;
    let open = |row: &str, sealed: Vec<u8>| here.wait(vault.open(place(row), &Sealed(sealed)));
    assert!(open("row", bytes.to_vec()).is_err(), "nobody sealed this");

    let mut changed = sealed.0.clone();
    for (byte, change) in changed.iter_mut().zip(bytes) {
        *byte ^= change;
    }
    changed.extend(bytes.iter().skip(sealed.0.len()));
    let same = changed == sealed.0;
    let opened = open("row", changed);
    assert_eq!(opened.is_ok_and(|secret| secret.expose() == SECRET), same);
    // The length of the input is the length of what is left.
    let cut = sealed.0.get(..bytes.len()).unwrap_or_default().to_vec();
    assert!(open("row", cut).is_err() || bytes.len() == sealed.0.len());

    if let Ok(text) = str::from_utf8(bytes) {
        assert!(
            text == "row" || open(text, sealed.0.clone()).is_err(),
            "another place"
        );
        if MasterKeys::parse(text).is_ok() {
            let parts = text.split([',', '\n']).map(str::trim);
            for part in parts.filter(|part| !part.is_empty()) {
                let (name, key) = part.split_once(':').expect("a name and a key");
                assert!(
                    (1..=32).contains(&name.len()) && key.len() == 44,
                    "{part:?}"
                );
            }
        }
    }
}
