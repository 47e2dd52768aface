//! Owns what webhooks are brought with, as the settings say.

use std::sync::Arc;

use anyhow::Context as _;
use application::ports::Vault;
use application::webhooks::{AtOnce, Post, Terms};
use domain::webhook::Ladder;
use ipnet::IpNet;

use crate::adapters::clock::Wall;
use crate::adapters::webhooks::{HttpCourier, Settings};
use crate::config::{Config, Gateway};

/// How long a delivery is held beyond what its try may take.
const COMMIT_ROOM: std::time::Duration = std::time::Duration::from_secs(30);

/// The post, whose secrets `vault` seals.
///
/// # Errors
/// The HTTP library cannot be set up.
pub(super) fn post(config: &Config, vault: Arc<dyn Vault>) -> anyhow::Result<Post> {
    Ok(Post {
        courier: Arc::new(courier(config)?),
        vault,
        clock: Arc::new(Wall::default()),
        terms: terms(config),
    })
}

/// Who brings messages.
///
/// # Errors
/// As [`post`].
pub(super) fn courier(config: &Config) -> anyhow::Result<HttpCourier> {
    let settings = Settings {
        timeout: config.webhooks.timeout.duration(),
        exempt: exempt(config),
    };
    HttpCourier::new(&settings).context("cannot set up the courier of webhooks")
}

/// The networks of the settings; with a sandbox in this process this machine, too, where its shop
/// is.
fn exempt(config: &Config) -> Vec<IpNet> {
    let mut exempt = config.webhooks.exempt.clone();
    if config.gateway() == Gateway::Embedded {
        exempt.extend(["127.0.0.0/8".to_owned(), "::1/128".to_owned()]);
    }
    exempt.iter().filter_map(|net| net.parse().ok()).collect()
}

fn terms(config: &Config) -> Terms {
    let settings = &config.webhooks;
    Terms {
        ladder: Ladder {
            first: settings.retry_first.duration(),
            cap: settings.retry_cap.duration(),
            span: settings.retry_for.duration(),
        },
        dead_after: settings.dead_after.duration(),
        lease: settings.timeout.duration().saturating_add(COMMIT_ROOM),
        poll: settings.poll.duration(),
        at_once: AtOnce {
            of_endpoint: settings.tries_per_endpoint_max,
            of_merchant: settings.tries_per_merchant_max,
            of_all: settings.tries_max,
        },
        endpoints_max: settings.endpoints_max,
        kept: settings.kept_for.duration(),
    }
}
