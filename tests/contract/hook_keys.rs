//! What lets notifications in, and what proves them: tokens by their hash, security keys in their
//! order.

use domain::change::Change;
use domain::id::GatewayAccountId;
use domain::inbox::{self, Number, SecurityKey, Token};
use domain::vault::Sealed;

use crate::inbox::{commit, conflicts, written};
use crate::samples::{at, tenant};
use crate::stores::{Tested, on_every_store};

on_every_store!(
    a_token_lets_in_until_it_ends,
    an_account_has_one_security_key_without_an_end,
);

pub(crate) fn security_key(account: GatewayAccountId, number: i64) -> SecurityKey {
    SecurityKey {
        account,
        number: Number::new(number).expect("a number"),
        sealed: Sealed(vec![0, 159, u8::try_from(number).expect("small")]),
        created_at: at(number),
        expires_at: None,
    }
}

pub(crate) fn keyed(key: &SecurityKey) -> Change {
    written(inbox::Change::InsertSecurityKey(Box::new(key.clone())))
}

async fn a_token_lets_in_until_it_ends(tested: Tested) {
    let store = tested.store.as_ref();
    let account = tenant(store).await.account;
    let token = |hash: u8, end| Token {
        hash: [hash; 32],
        account,
        created_at: at(i64::from(hash)),
        expires_at: end,
    };
    let (first, second) = (token(1, None), token(2, Some(at(50))));
    for token in [&first, &second] {
        let change = inbox::Change::InsertToken(token.clone());
        commit(store, written(change.clone())).await;
        conflicts(store, written(change)).await;
        let found = store.inbox().token(&token.hash).await.expect("read");
        assert_eq!(found.as_ref(), Some(token));
    }
    assert_eq!(store.inbox().token(&[9; 32]).await.expect("read"), None);
    let tokens = |since| store.inbox().tokens(account, at(since));
    assert_eq!(tokens(49).await.expect("read"), [second, first.clone()]);
    let lasting = tokens(50).await.expect("read");
    assert_eq!(lasting.as_slice(), std::slice::from_ref(&first));
    let end = |expected, end| {
        written(inbox::Change::EndToken {
            hash: first.hash,
            expires_at: at(end),
            expected,
        })
    };
    conflicts(store, end(Some(at(1)), 60)).await;
    commit(store, end(None, 60)).await;
    conflicts(store, end(None, 70)).await;
    commit(store, end(Some(at(60)), 30)).await;
    let found = store.inbox().token(&first.hash).await.expect("read");
    assert_eq!(found.and_then(|token| token.expires_at), Some(at(30)));
}

async fn an_account_has_one_security_key_without_an_end(tested: Tested) {
    let store = tested.store.as_ref();
    let account = tenant(store).await.account;
    let other = tenant(store).await.account;
    let inbox = store.inbox();
    assert_eq!(inbox.last_security_key(account).await.expect("read"), None);
    let [first, second] = [1, 2].map(|number| security_key(account, number));
    commit(store, keyed(&first)).await;
    conflicts(store, keyed(&first)).await;
    conflicts(store, keyed(&second)).await;
    commit(store, keyed(&security_key(other, 1))).await;
    let end = |expected, end| {
        written(inbox::Change::EndSecurityKey {
            account,
            number: first.number,
            expires_at: at(end),
            expected,
        })
    };
    conflicts(store, end(Some(at(3)), 50)).await;
    // In one commit, whichever is named first.
    let both = store.commit(&[keyed(&second), end(None, 50)]).await;
    both.expect("written");
    conflicts(store, end(None, 60)).await;
    let keys = async |since| inbox.security_keys(account, at(since)).await.expect("read");
    let ended = SecurityKey {
        expires_at: Some(at(50)),
        ..first.clone()
    };
    assert_eq!(keys(49).await, [second.clone(), ended]);
    assert_eq!(keys(50).await, std::slice::from_ref(&second));
    let last = inbox.last_security_key(account).await.expect("read");
    assert_eq!(last, Some(second.number));
}
