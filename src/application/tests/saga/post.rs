//! Owns a post that brings nothing, and a vault that hides nothing: the scripts are about money.

use std::sync::Arc;

use application::ports::Clock;
use application::ports::courier::{Courier, Letter, Receipt};
use application::ports::vault::{Error, Place, Secret, Vault};
use application::webhooks::{Post, Terms};
use async_trait::async_trait;
use domain::vault::Sealed;
use sha2::{Digest as _, Sha256};

pub(crate) struct Nowhere;

#[async_trait]
impl Courier for Nowhere {
    fn admit(&self, _: &str) -> Result<(), String> {
        Err("there is nobody".to_owned())
    }

    fn secret(&self, random: &str) -> Secret {
        Secret::from(random)
    }

    async fn deliver(&self, _: Letter<'_>) -> Receipt {
        Receipt::Unanswered("there is nobody".to_owned())
    }
}

#[async_trait]
impl Vault for Nowhere {
    async fn seal(&self, _: Place<'_>, secret: &Secret) -> Result<Sealed, Error> {
        Ok(Sealed(secret.expose().as_bytes().to_vec()))
    }

    async fn index(&self, place: Place<'_>, secret: &Secret) -> Result<[u8; 32], Error> {
        let text = format!("{}/{}", place.column, secret.expose());
        Ok(Sha256::digest(text).into())
    }

    async fn open(&self, _: Place<'_>, sealed: &Sealed) -> Result<Secret, Error> {
        let text = String::from_utf8(sealed.0.clone());
        text.map(Secret::new).map_err(|_| Error::Refused)
    }
}

pub(crate) fn nowhere(clock: Arc<dyn Clock>) -> Post {
    Post {
        courier: Arc::new(Nowhere),
        vault: Arc::new(Nowhere),
        clock,
        terms: Terms::default(),
    }
}
