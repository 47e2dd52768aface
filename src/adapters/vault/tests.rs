//! What is sealed opens in its place only, whole only, and with its master key only.

use application::memory::Memory;
use application::ports::Vault as _;
use application::ports::store::{Commit as _, Secrets as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::id::RawId;
use domain::merchant::Merchant;

use super::*;

const SECRET: &str = "test_sk_canary";

fn merchant(number: u128) -> MerchantId {
    MerchantId::new(RawId::from_parts(1, number))
}

fn masters(names: &[&str]) -> MasterKeys {
    // The key of a name is made of the name.
    let key = |name: &&str| format!("{name}:{}", STANDARD.encode(format!("{name:-<32}")));
    MasterKeys::parse(&names.iter().map(key).collect::<Vec<_>>().join(",")).unwrap()
}

fn store() -> Arc<Memory> {
    let store = Arc::new(Memory::new(Arc::new(Wall::default())));
    for number in 1..=2 {
        let id = merchant(number);
        let (name, currencies) = ("shop".parse().unwrap(), "KRW".parse().unwrap());
        let made = Merchant::new(id, name, currencies, Wall::default().now());
        let made = Change::InsertMerchant(made);
        store.commit_now(&[made]).unwrap();
    }
    store
}

fn vault(store: &Arc<Memory>, names: &[&str]) -> Vault {
    Vault::new(masters(names), Arc::<Memory>::clone(store))
}

fn place() -> Place<'static> {
    Place {
        merchant: merchant(1),
        table: "gateway_accounts",
        row: "gwa_1",
        column: "secret_key",
    }
}

#[tokio::test]
async fn what_is_sealed_opens_in_every_process_and_shows_nothing() {
    let store = store();
    let first = vault(&store, &["a"]);
    let sealed = first.seal(place(), &Secret::from(SECRET)).await.unwrap();
    let again = first.seal(place(), &Secret::from(SECRET)).await.unwrap();
    assert_ne!(sealed, again, "under another nonce");
    let text = String::from_utf8_lossy(&sealed.0).into_owned();
    assert!(!text.contains("canary"), "{text}");
    let other = vault(&store, &["a"]);
    for vault in [&first, &other] {
        let opened = vault.open(place(), &sealed).await.unwrap();
        assert_eq!(opened.expose(), SECRET);
        assert_eq!(format!("{opened:?} {sealed:?}"), "… Sealed(…)");
    }
    let keys = store.data_keys(None, 10).await.unwrap();
    assert_eq!(keys.len(), 1, "one data key per merchant");
    assert!(!format!("{keys:?}").contains("bytes"), "{keys:?}");
}

#[tokio::test]
async fn every_flipped_bit_and_every_cut_is_noticed() {
    let store = store();
    let vault = vault(&store, &["a"]);
    let sealed = vault.seal(place(), &Secret::from(SECRET)).await.unwrap();
    for at in 0..sealed.0.len() {
        for bit in 0..8 {
            let mut changed = sealed.clone();
            changed.0[at] ^= 1 << bit;
            assert!(vault.open(place(), &changed).await.is_err(), "{at}/{bit}");
        }
        let cut = Sealed(sealed.0[..at].to_vec());
        assert!(vault.open(place(), &cut).await.is_err(), "cut at {at}");
    }
    let mut longer = sealed.clone();
    longer.0.push(0);
    assert!(vault.open(place(), &longer).await.is_err());
}

#[tokio::test]
async fn a_value_that_was_moved_does_not_open() {
    let store = store();
    let vault = vault(&store, &["a"]);
    let sealed = vault.seal(place(), &Secret::from(SECRET)).await.unwrap();
    // Both merchants have a data key, so nothing fails for want of one.
    let theirs = Place {
        merchant: merchant(2),
        ..place()
    };
    vault.seal(theirs, &Secret::from(SECRET)).await.unwrap();
    let (table, row, column) = ("billing_keys", "gwa_2", "client_key");
    for moved in [
        theirs,
        Place { table, ..place() },
        Place { row, ..place() },
        Place { column, ..place() },
    ] {
        let refused = vault.open(moved, &sealed).await.unwrap_err();
        assert!(matches!(refused, Error::Tampered { .. }), "{refused}");
    }
    // Nor does it with the other merchant's data key in its header.
    let keys = store.data_key_of(merchant(2)).await.unwrap().unwrap();
    let mut header = sealed.clone();
    header.0[1..=ID_BYTES].copy_from_slice(keys.id.to_string().as_bytes());
    for place in [place(), theirs] {
        assert!(vault.open(place, &header).await.is_err());
    }
}

#[tokio::test]
async fn a_data_key_belongs_to_its_row_and_its_master_key() {
    let store = store();
    let sealed = vault(&store, &["a"])
        .seal(place(), &Secret::from(SECRET))
        .await
        .unwrap();
    let refused = vault(&store, &["b"]).open(place(), &sealed).await;
    let refused = refused.unwrap_err().to_string();
    assert!(refused.contains("vault.master_keys"), "{refused}");
    assert!(refused.contains("\"a\""), "{refused}");
    // The name of a master key is one thing, the key another.
    let other = STANDARD.encode([9; 32]);
    let wrong = MasterKeys::parse(&format!("a:{other}")).unwrap();
    let refused = Vault::new(wrong, Arc::<Memory>::clone(&store))
        .open(place(), &sealed)
        .await;
    assert!(
        matches!(refused, Err(Error::Wrapping { .. })),
        "{refused:?}"
    );

    let ours = store.data_key_of(merchant(1)).await.unwrap().unwrap();
    let vault = vault(&store, &["a"]);
    for at in 0..ours.wrapped.bytes.len() {
        let mut changed = ours.clone();
        changed.wrapped.bytes[at] ^= 1;
        assert!(vault.unwrapped(&changed).is_err(), "{at}");
    }
    let id = DataKeyId::new(RawId::from_parts(3, 3));
    for moved in [
        DataKey { id, ..ours.clone() },
        DataKey {
            merchant: merchant(2),
            ..ours.clone()
        },
    ] {
        assert!(vault.unwrapped(&moved).is_err(), "{moved:?}");
    }
    assert!(vault.unwrapped(&ours).is_ok());
}

#[tokio::test]
async fn two_processes_that_begin_at_once_agree_on_one_data_key() {
    let store = store();
    let (one, two) = (vault(&store, &["a"]), vault(&store, &["a"]));
    let secret = Secret::from(SECRET);
    let (first, second) = tokio::join!(one.seal(place(), &secret), two.seal(place(), &secret));
    for sealed in [first.unwrap(), second.unwrap()] {
        let opened = vault(&store, &["a"]).open(place(), &sealed).await.unwrap();
        assert_eq!(opened.expose(), SECRET);
    }
}

#[tokio::test]
async fn a_rotation_leaves_every_value_readable_all_along() {
    let store = store();
    let old = vault(&store, &["old"]);
    let theirs = Place {
        merchant: merchant(2),
        ..place()
    };
    let secret = Secret::from(SECRET);
    let sealed = [
        (place(), old.seal(place(), &secret).await.unwrap()),
        (theirs, old.seal(theirs, &secret).await.unwrap()),
    ];
    // First every copy gets the new key behind the old one, then before it.
    let both = vault(&store, &["new", "old"]);
    let rotated = both.rotate().await.unwrap();
    assert_eq!((rotated.rewrapped, rotated.current), (2, 0));
    assert!(rotated.left.is_empty());
    let again = both.rotate().await.unwrap();
    assert_eq!((again.rewrapped, again.current), (0, 2), "nothing is left");
    let copies = [
        vault(&store, &["old", "new"]),
        vault(&store, &["new", "old"]),
        vault(&store, &["new"]),
    ];
    for copy in &copies {
        for (place, sealed) in &sealed {
            let opened = copy.open(*place, sealed).await.unwrap();
            assert_eq!(opened.expose(), SECRET);
        }
    }
    let fresh = vault(&store, &["old"]).open(place(), &sealed[0].1).await;
    assert!(matches!(fresh, Err(Error::MasterKeyMissing { .. })));
    // A process that unwrapped it before goes on.
    assert!(old.open(place(), &sealed[0].1).await.is_ok());
}

#[tokio::test]
async fn what_cannot_be_rotated_is_named_and_the_rest_is_done() {
    let store = store();
    let lost = vault(&store, &["lost"]);
    lost.seal(place(), &Secret::from(SECRET)).await.unwrap();
    let theirs = Place {
        merchant: merchant(2),
        ..place()
    };
    let old = vault(&store, &["old"]);
    old.seal(theirs, &Secret::from(SECRET)).await.unwrap();
    let both = vault(&store, &["new", "old"]);
    // Another rotation is at work at the same time.
    let twin = vault(&store, &["new", "old"]);
    let (one, two) = tokio::join!(both.rotate(), twin.rotate());
    let (one, two) = (one.unwrap(), two.unwrap());
    let rewrapped = [one.rewrapped, two.rewrapped];
    assert_eq!(rewrapped.iter().sum::<u64>(), 1, "each is rewrapped once");
    assert_eq!(one.left.len(), 1);
    let why = one.left[0].to_string();
    assert!(why.contains("\"lost\"") && why.contains(&merchant(1).to_string()));
    let kept = store.data_key_of(merchant(1)).await.unwrap().unwrap();
    assert_eq!(kept.wrapped.master_key, "lost", "it stays as it is");
    let stale = Change::RewrapDataKey {
        id: kept.id,
        wrapped: kept.wrapped,
        expected: "old".to_owned(),
    };
    let refused = store.commit(&[stale]).await;
    assert!(matches!(refused, Err(CommitError::Conflict)), "{refused:?}");
}
