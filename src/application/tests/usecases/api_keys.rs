//! What an API key opens, until when, and when it was used.

use std::time::Duration;

use application::ports::store::Access;
use application::{AccessError, ApiKeyError, Credential, LastKey, NewKey};
use domain::change::Change;
use domain::id::{MerchantId, RawId};
use domain::merchant::{KeyKind, KeyText, Merchant, Status};
use domain::principal::{Mode, Scope};
use tokio::time::sleep;

use crate::installation::{Installation, START};
use crate::store::Fault;

const HOUR: Duration = Duration::from_hours(1);

async fn issued(here: &Installation, kind: KeyKind) -> NewKey {
    let name = "order service".parse().unwrap();
    let tenancy = here.app.tenancy();
    let new = tenancy.issue_key(here.caller.scope, kind, Some(name)).await;
    new.unwrap()
}

async fn opens(here: &Installation, text: &KeyText) -> bool {
    match here.app.authenticate(text).await {
        Ok(credential) => {
            assert_eq!(credential.scope, here.caller.scope);
            true
        }
        Err(AccessError::EndedKey) => false,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_says_what_it_may_do_and_no_other_text_opens() {
    let here = Installation::new();
    for kind in [KeyKind::Secret, KeyKind::Publishable] {
        let new = issued(&here, kind).await;
        let found = here.app.authenticate(&new.text).await.unwrap();
        let scope = here.caller.scope;
        let id = new.key.id;
        assert_eq!(found, Credential { id, scope, kind });
        let longer = KeyText::presented(&format!("{}x", new.text.expose()));
        let wrong = here.app.authenticate(&longer).await;
        assert!(matches!(wrong, Err(AccessError::UnknownKey)), "{wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotated_key_goes_on_for_its_grace_to_the_microsecond() {
    let here = Installation::new();
    let old = issued(&here, KeyKind::Secret).await;
    let rotated = here.app.rotate_key(here.caller.scope, old.key.id, HOUR);
    let rotated = rotated.await.unwrap();
    assert_eq!(rotated.new.key.name, old.key.name);
    assert_eq!(rotated.new.key.kind, old.key.kind);
    assert_ne!(rotated.new.text, old.text);
    sleep(HOUR.checked_sub(Duration::from_millis(1)).unwrap()).await;
    // The row that is believed was read before the end.
    assert!(opens(&here, &old.text).await);
    sleep(Duration::from_millis(1)).await;
    assert!(!opens(&here, &old.text).await);
    assert!(opens(&here, &rotated.new.text).await);
}

#[tokio::test(start_paused = true)]
async fn without_grace_it_ends_at_once_here() {
    let here = Installation::new();
    let old = issued(&here, KeyKind::Secret).await;
    assert!(opens(&here, &old.text).await);
    let rotated = here
        .app
        .rotate_key(here.caller.scope, old.key.id, Duration::ZERO);
    let new = rotated.await.unwrap().new;
    assert!(!opens(&here, &old.text).await);
    let spare = issued(&here, KeyKind::Secret).await;
    assert!(opens(&here, &spare.text).await);
    let revoked = here.app.revoke_key(here.caller.scope, spare.key.id).await;
    assert!(revoked.unwrap().expires_at.is_some());
    assert!(!opens(&here, &spare.text).await);
    assert!(opens(&here, &new.text).await);
}

#[tokio::test(start_paused = true)]
async fn a_key_that_another_copy_revoked_ends_within_a_short_while() {
    let here = Installation::new();
    let key = issued(&here, KeyKind::Secret).await;
    assert!(opens(&here, &key.text).await);
    let elsewhere = here.app.tenancy();
    let revoked = elsewhere.revoke_key(here.caller.scope, key.key.id, LastKey::Goes);
    revoked.await.unwrap();
    sleep(Duration::from_secs(5)).await;
    assert!(!opens(&here, &key.text).await);
}

#[tokio::test(start_paused = true)]
async fn what_ends_already_is_not_rotated_and_stays_as_it_is() {
    let here = Installation::new();
    let scope = here.caller.scope;
    let old = issued(&here, KeyKind::Secret).await;
    here.app.rotate_key(scope, old.key.id, HOUR).await.unwrap();
    let again = here.app.rotate_key(scope, old.key.id, HOUR).await;
    assert!(matches!(again, Err(ApiKeyError::Ending)), "{again:?}");
    let revoked = here.app.revoke_key(scope, old.key.id).await.unwrap();
    sleep(HOUR).await;
    let again = here.app.revoke_key(scope, old.key.id).await.unwrap();
    assert_eq!(again, revoked);
}

#[tokio::test(start_paused = true)]
async fn the_last_secret_key_stays_unless_the_operator_says_so() {
    let here = Installation::new();
    let scope = here.caller.scope;
    issued(&here, KeyKind::Publishable).await;
    let last = issued(&here, KeyKind::Secret).await;
    let refused = here.app.revoke_key(scope, last.key.id).await;
    assert!(matches!(refused, Err(ApiKeyError::Last)), "{refused:?}");
    // One that ends anyway does not count as another.
    let old = issued(&here, KeyKind::Secret).await;
    let rotated = here.app.rotate_key(scope, old.key.id, HOUR).await.unwrap();
    let new = rotated.new.key.id;
    here.app.revoke_key(scope, new).await.unwrap();
    let refused = here.app.revoke_key(scope, last.key.id).await;
    assert!(matches!(refused, Err(ApiKeyError::Last)), "{refused:?}");
    let operator = here.app.tenancy();
    let gone = operator.revoke_key(scope, last.key.id, LastKey::Goes).await;
    assert!(gone.unwrap().expires_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn other_modes_and_merchants_have_no_such_key() {
    let here = Installation::new();
    let key = issued(&here, KeyKind::Secret).await.key;
    let live = Scope {
        mode: Mode::Live,
        ..here.caller.scope
    };
    let other = Scope {
        merchant: MerchantId::new(RawId::from_parts(9, 9)),
        ..here.caller.scope
    };
    let (name, currencies) = ("other".parse().unwrap(), "KRW".parse().unwrap());
    let merchant = Merchant::new(other.merchant, name, currencies, START);
    let insert = Change::InsertMerchant(merchant);
    here.memory.commit_now(&[insert]).unwrap();
    for scope in [live, other] {
        let rotated = here.app.rotate_key(scope, key.id, HOUR).await;
        assert!(matches!(rotated, Err(ApiKeyError::NotFound)), "{rotated:?}");
        let revoked = here.app.revoke_key(scope, key.id).await;
        assert!(matches!(revoked, Err(ApiKeyError::NotFound)), "{revoked:?}");
        assert_eq!(here.app.tenancy().api_keys(scope).await.unwrap(), []);
    }
    let listed = here.app.tenancy().api_keys(here.caller.scope).await;
    assert_eq!(listed.unwrap(), [key]);
}

#[tokio::test(start_paused = true)]
async fn there_are_only_so_many_keys() {
    let here = Installation::new();
    let scope = here.caller.scope;
    let first = issued(&here, KeyKind::Publishable).await.key.id;
    for _ in 1..100 {
        issued(&here, KeyKind::Publishable).await;
    }
    let tenancy = here.app.tenancy();
    let refused = tenancy.issue_key(scope, KeyKind::Secret, None).await;
    assert!(matches!(refused, Err(ApiKeyError::TooMany)), "{refused:?}");
    let refused = here.app.rotate_key(scope, first, HOUR).await;
    assert!(matches!(refused, Err(ApiKeyError::TooMany)), "{refused:?}");
    here.app.revoke_key(scope, first).await.unwrap();
    issued(&here, KeyKind::Secret).await;
}

#[tokio::test(start_paused = true)]
async fn an_ended_key_is_listed_for_a_month() {
    let here = Installation::new();
    let scope = here.caller.scope;
    let key = issued(&here, KeyKind::Publishable).await.key.id;
    here.app.revoke_key(scope, key).await.unwrap();
    let month = Duration::from_hours(30 * 24);
    sleep(month.checked_sub(Duration::from_secs(1)).unwrap()).await;
    assert_eq!(here.app.tenancy().api_keys(scope).await.unwrap().len(), 1);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(here.app.tenancy().api_keys(scope).await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn uses_are_noted_once_a_minute_at_most() {
    let here = Installation::new();
    let new = issued(&here, KeyKind::Secret).await;
    let noted = async || {
        let key = here.memory.any_api_key(new.key.id).await.unwrap();
        key.unwrap().last_used_at
    };
    assert_eq!(here.app.note_uses().await.unwrap(), 0);
    assert!(opens(&here, &new.text).await);
    let first = here.app.clock().now();
    assert_eq!(noted().await, None, "not while somebody waits");
    here.store.is(Fault::NotesFail);
    assert!(here.app.note_uses().await.is_err());
    here.store.is(None);
    assert_eq!(here.app.note_uses().await.unwrap(), 1);
    assert_eq!(noted().await, Some(first));
    sleep(Duration::from_secs(59)).await;
    assert!(opens(&here, &new.text).await);
    assert_eq!(here.app.note_uses().await.unwrap(), 0);
    sleep(Duration::from_secs(1)).await;
    assert!(opens(&here, &new.text).await);
    let second = here.app.clock().now();
    assert_eq!(here.app.note_uses().await.unwrap(), 1);
    assert_eq!(noted().await, Some(second));
    sleep(HOUR).await;
    assert_eq!(here.app.note_uses().await.unwrap(), 0, "it was not used");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_makes_nothing_twice() {
    let here = Installation::new();
    let scope = here.caller.scope;
    here.store.is(Fault::AnswerLost);
    let first = issued(&here, KeyKind::Secret).await;
    assert!(opens(&here, &first.text).await);
    here.store.is(Fault::AnswerLost);
    let rotated = here.app.rotate_key(scope, first.key.id, HOUR).await;
    let rotated = rotated.unwrap();
    assert!(opens(&here, &rotated.new.text).await);
    here.store.is(Fault::AnswerLost);
    let old = here.app.revoke_key(scope, first.key.id).await.unwrap();
    assert!(old.expires_at < rotated.old.expires_at);
    let keys = here.app.tenancy().api_keys(scope).await.unwrap();
    assert_eq!(keys, [rotated.new.key, old]);
    here.store.is(Fault::AnswerLost);
    let id = scope.merchant;
    let suspended = here.app.tenancy().set_status(id, Status::Suspended).await;
    assert_eq!(suspended.unwrap().status, Status::Suspended);
}
