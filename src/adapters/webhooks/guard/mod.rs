//! Owns which addresses a merchant may make the service talk to: the public ones.
//!
//! The addresses are the IANA special-purpose registries' (IPv4 and IPv6); a name is judged by what
//! it resolves to at the moment of the connection, so it cannot be rebound in between.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs as _};
use std::sync::Arc;
use std::time::Duration;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::Url;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(first: u16, second: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(first, second, 0, 0, 0, 0, 0, 0), prefix)
}

/// What is not on the public internet.
const PRIVATE_V4: &[Ipv4Net] = &[
    v4(0, 0, 0, 0, 8),
    v4(10, 0, 0, 0, 8),
    v4(100, 64, 0, 0, 10),
    v4(127, 0, 0, 0, 8),
    v4(169, 254, 0, 0, 16),
    v4(172, 16, 0, 0, 12),
    v4(192, 0, 0, 0, 24),
    v4(192, 0, 2, 0, 24),
    v4(192, 88, 99, 0, 24),
    v4(192, 168, 0, 0, 16),
    v4(198, 18, 0, 0, 15),
    v4(198, 51, 100, 0, 24),
    v4(203, 0, 113, 0, 24),
    // Multicast, reserved, broadcast.
    v4(224, 0, 0, 0, 3),
];

/// The only part of IPv6 that is given out.
const GLOBAL_V6: Ipv6Net = v6(0x2000, 0, 3);

/// What of it is not the public internet, or hides an IPv4 address.
const PRIVATE_V6: &[Ipv6Net] = &[
    // Protocol assignments, Teredo and benchmarks among them.
    v6(0x2001, 0, 23),
    v6(0x2001, 0x0db8, 32),
    // 6to4: any IPv4 address.
    v6(0x2002, 0, 16),
    v6(0x3fff, 0, 20),
];

/// Why an address is not talked to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Forbidden {
    #[error("it is not an address of the web")]
    NotWeb,
    #[error("it must begin with https://")]
    Plain,
    #[error("it carries a user or a password")]
    Credentials,
    #[error("{0} is not a public address")]
    Private(IpAddr),
    #[error("the name has no address")]
    Nowhere,
}

/// How many names are looked up at once. A lookup occupies a thread until its nameserver answers or
/// the operating system gives it up, and many other things need threads.
const LOOKUPS_MAX: usize = 64;
/// How long a name waits for its turn to be looked up.
const TURN_MAX: Duration = Duration::from_secs(2);

/// Who knows where names lead. Asked once per connection, on a thread that may wait.
pub(super) trait Names: Send + Sync {
    /// Every address of a host.
    fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The operating system's resolver.
struct System;

impl Names for System {
    fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = (host, 0).to_socket_addrs()?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// Tells public addresses from the others.
#[derive(Clone)]
pub(super) struct Guard {
    exempt: Arc<[IpNet]>,
    lookups: Arc<Semaphore>,
    names: Arc<dyn Names>,
}

impl Guard {
    /// A guard that lets `exempt` pass, too.
    pub(super) fn new(exempt: &[IpNet]) -> Self {
        Self::with(exempt, Arc::new(System))
    }

    /// The same, where `names` knows where names lead.
    pub(super) fn with(exempt: &[IpNet], names: Arc<dyn Names>) -> Self {
        Self {
            exempt: exempt.into(),
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
            names,
        }
    }

    /// What can be told of an address without asking for its name.
    pub(super) fn look(&self, url: &Url) -> Result<(), Forbidden> {
        let literal = literal(url)?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Forbidden::Credentials);
        }
        // A name is judged once it has addresses.
        if let Some(address) = literal {
            self.judge(address)?;
        }
        // In the clear only to what was exempted: development, on this machine.
        let inside = literal.or_else(|| this_machine(url));
        let inside = inside.is_some_and(|address| self.is_exempt(address));
        if url.scheme() == "https" || inside {
            Ok(())
        } else {
            Err(Forbidden::Plain)
        }
    }

    /// Whether an address may be talked to.
    pub(super) fn judge(&self, address: IpAddr) -> Result<(), Forbidden> {
        // An IPv4 address in IPv6 clothes is that IPv4 address.
        if self.is_exempt(address) || is_public(address.to_canonical()) {
            Ok(())
        } else {
            Err(Forbidden::Private(address))
        }
    }

    fn is_exempt(&self, address: IpAddr) -> bool {
        let plain = address.to_canonical();
        self.exempt.iter().any(|net| net.contains(&plain))
    }

    /// All of a name's addresses, if every one may be talked to: a name that also points inwards is
    /// meant to.
    async fn resolve(&self, name: &str) -> Result<Vec<SocketAddr>, Unresolved> {
        let (host, names) = (name.to_owned(), Arc::clone(&self.names));
        let found = self.lookup(move || names.addresses(&host)).await?;
        if found.is_empty() {
            return Err(Forbidden::Nowhere.into());
        }
        for address in &found {
            self.judge(*address)?;
        }
        // The port is the request's: whoever connects puts it in.
        let found = found.into_iter().map(|address| SocketAddr::new(address, 0));
        Ok(found.collect())
    }

    /// Looks a name up on a thread of its own, of which there are a few. Whoever waits may give up;
    /// the place is taken until the thread is free.
    async fn lookup<T: Send + 'static>(
        &self,
        look: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Result<T, Unresolved> {
        let place = timeout(TURN_MAX, Arc::clone(&self.lookups).acquire_owned()).await;
        let place = place.ok().and_then(Result::ok).ok_or(Unresolved::Busy)?;
        let looking = spawn_blocking(move || {
            let found = look();
            drop(place);
            found
        });
        let found = looking.await.map_err(io::Error::other)?;
        Ok(found?)
    }
}

/// Why a name led nowhere.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unresolved {
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    #[error("the name cannot be resolved: {0}")]
    Lookup(#[from] io::Error),
    #[error("too many names are being looked up")]
    Busy,
}

impl Resolve for Guard {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = self.clone();
        Box::pin(async move {
            let found = Self::resolve(&guard, name.as_str()).await?;
            let addresses: Addrs = Box::new(found.into_iter());
            Ok(addresses)
        })
    }
}

/// The address that a URL names by number, in whatever form it was written.
fn literal(url: &Url) -> Result<Option<IpAddr>, Forbidden> {
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Forbidden::NotWeb);
    }
    let host = url.host_str().ok_or(Forbidden::NotWeb)?;
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    Ok(bare.parse().ok())
}

/// Where the one name leads that needs nobody to resolve it.
fn this_machine(url: &Url) -> Option<IpAddr> {
    (url.host_str() == Some("localhost")).then_some(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !PRIVATE_V4.iter().any(|net| net.contains(&address)),
        IpAddr::V6(address) => {
            GLOBAL_V6.contains(&address) && !PRIVATE_V6.iter().any(|net| net.contains(&address))
        }
    }
}

/// The guard's word inside another library's error.
pub(super) fn refusal<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e Unresolved> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(unresolved) = error.downcast_ref() {
            return Some(unresolved);
        }
        cause = error.source();
    }
    None
}

#[cfg(test)]
mod tests;
