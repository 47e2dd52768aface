//! Owns the proof that only public addresses are talked to.

use super::*;

/// What a merchant may not make the service talk to, and the word for why.
const REFUSED: &[(&str, &str)] = &[
    ("https://127.0.0.1/", "public"),
    ("https://127.255.255.254/", "public"),
    // The same in other forms.
    ("https://2130706433/", "public"),
    ("https://0x7f000001/", "public"),
    ("https://0177.0.0.1/", "public"),
    ("https://127.1/", "public"),
    ("https://0x7f.1/", "public"),
    ("https://127.0.0.1./", "public"),
    ("https://①②⑦.0.0.1/", "public"),
    ("https://%31%32%37.0.0.1/", "public"),
    ("https://0.0.0.0/", "public"),
    ("https://0/", "public"),
    ("https://10.0.0.1/", "public"),
    ("https://10.255.255.255/", "public"),
    ("https://100.64.0.1/", "public"),
    ("https://100.127.255.255/", "public"),
    ("https://169.254.169.254/latest/meta-data/", "public"),
    ("https://172.16.0.1/", "public"),
    ("https://172.31.255.255/", "public"),
    ("https://192.0.0.1/", "public"),
    ("https://192.0.2.1/", "public"),
    ("https://192.88.99.1/", "public"),
    ("https://192.168.0.1/", "public"),
    ("https://198.18.0.1/", "public"),
    ("https://198.19.255.255/", "public"),
    ("https://198.51.100.1/", "public"),
    ("https://203.0.113.1/", "public"),
    ("https://224.0.0.1/", "public"),
    ("https://240.0.0.1/", "public"),
    ("https://255.255.255.255/", "public"),
    ("https://[::]/", "public"),
    ("https://[::1]/", "public"),
    ("https://[::ffff:127.0.0.1]/", "public"),
    ("https://[::ffff:a00:1]/", "public"),
    ("https://[::127.0.0.1]/", "public"),
    ("https://[64:ff9b::7f00:1]/", "public"),
    ("https://[64:ff9b:1::a00:1]/", "public"),
    ("https://[100::1]/", "public"),
    ("https://[2001::1]/", "public"),
    ("https://[2001:db8::1]/", "public"),
    ("https://[2002:7f00:1::]/", "public"),
    ("https://[2002:c0a8:1::1]/", "public"),
    ("https://[3fff::1]/", "public"),
    ("https://[5f00::1]/", "public"),
    ("https://[fc00::1]/", "public"),
    ("https://[fd12:3456::1]/", "public"),
    ("https://[fe80::1]/", "public"),
    ("https://[fec0::1]/", "public"),
    ("https://[ff02::1]/", "public"),
    ("http://shop.example/", "https"),
    ("http://8.8.8.8/", "https"),
    ("http://localhost/", "https"),
    ("ftp://shop.example/", "web"),
    ("file:///etc/passwd", "web"),
    ("gopher://shop.example/", "web"),
    ("https://user@shop.example/", "user"),
    ("https://user:secret@shop.example/", "user"),
];

fn looked(guard: &Guard, url: &str) -> Result<(), String> {
    let parsed = Url::parse(url).unwrap_or_else(|error| panic!("{url}: {error}"));
    guard
        .look(&parsed)
        .map_err(|forbidden| forbidden.to_string())
}

#[test]
fn private_addresses_are_refused_in_every_form() {
    let guard = Guard::new(&[]);
    for (url, why) in REFUSED {
        let refused = looked(&guard, url).expect_err(url);
        assert!(refused.contains(why), "{url}: {refused}");
    }
    assert!(REFUSED.len() >= 40);
}

#[test]
fn public_addresses_pass() {
    let guard = Guard::new(&[]);
    for url in [
        "https://shop.example/hooks?x=1",
        "https://8.8.8.8:8443/",
        "https://[2606:4700::1111]/",
        "https://[2a00:1450:4001::8]/",
        "https://100.128.0.1/",
        "https://172.32.0.1/",
        "https://[::ffff:8.8.8.8]/",
    ] {
        assert_eq!(looked(&guard, url), Ok(()), "{url}");
    }
}

#[test]
fn what_is_exempted_passes_and_nothing_beside_it() {
    let guard = Guard::new(&["127.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
    for url in [
        "http://127.0.0.1:8082/hooks",
        "http://localhost:8082/hooks",
        "https://[::ffff:127.0.0.1]/",
        "http://[fd00::1]/",
    ] {
        assert_eq!(looked(&guard, url), Ok(()), "{url}");
    }
    for url in ["http://10.0.0.1/", "http://[::1]/", "http://8.8.8.8/"] {
        assert!(looked(&guard, url).is_err(), "{url}");
    }
}

#[tokio::test]
async fn a_name_is_judged_by_where_it_leads() {
    let refused = Guard::new(&[]).resolve("localhost").await;
    assert!(matches!(
        refused,
        Err(Unresolved::Forbidden(Forbidden::Private(address))) if address.is_loopback()
    ));
    let exempt = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap());
    let found = Guard::new(&exempt).resolve("localhost").await.unwrap();
    assert!(found.iter().all(|address| address.ip().is_loopback()));
}

/// A name that leads to these.
struct Leads(&'static str);

impl Names for Leads {
    fn addresses(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(self
            .0
            .split_whitespace()
            .map(|address| address.parse().unwrap())
            .collect())
    }
}

async fn led(addresses: &'static str) -> Result<Vec<SocketAddr>, Unresolved> {
    let guard = Guard::with(&[], Arc::new(Leads(addresses)));
    // A name alone is nothing to be refused for.
    assert_eq!(looked(&guard, "https://hooks.shop.example/"), Ok(()));
    guard.resolve("hooks.shop.example").await
}

#[tokio::test]
async fn a_name_that_leads_inwards_is_refused_however_it_is_written() {
    const INWARDS: &[&str] = &[
        "127.0.0.1",
        "0.0.0.0",
        "10.1.2.3",
        "172.20.0.1",
        "192.168.1.1",
        // CGNAT, link-local with the clouds' metadata, benchmarks, multicast, broadcast.
        "100.64.0.1",
        "169.254.169.254",
        "198.18.0.1",
        "224.0.0.251",
        "255.255.255.255",
        // Loopback, link-local, unique local, and IPv4 inside of IPv6 in every manner.
        "::1",
        "fe80::1",
        "fd00:ec2::254",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::1",
        "64:ff9b::a00:1",
        "2001:0:7f00:1::1",
        // One that is public beside it, before or after, makes it no better.
        "8.8.8.8 10.0.0.1",
        "10.0.0.1 8.8.8.8",
        "2606:4700::1111 ::1",
        "8.8.8.8 2606:4700::1111 1.1.1.1 ::ffff:100.64.0.1",
    ];
    for addresses in INWARDS {
        let refused = led(addresses).await;
        let is_private = matches!(refused, Err(Unresolved::Forbidden(Forbidden::Private(_))));
        assert!(is_private, "{addresses}: {refused:?}");
    }
    assert!(INWARDS.len() >= 12);
    let nowhere = led("").await;
    assert!(matches!(
        nowhere,
        Err(Unresolved::Forbidden(Forbidden::Nowhere))
    ));
    let public = led("8.8.8.8 2606:4700::1111").await.unwrap();
    assert_eq!(public.len(), 2);
}

/// Lookups that hang, until the sender is dropped.
fn hanging(
    guard: &Guard,
) -> (
    std::sync::mpsc::Sender<()>,
    Arc<std::sync::atomic::AtomicUsize>,
) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let (held, hangs) = std::sync::mpsc::channel::<()>();
    let hangs = Arc::new(std::sync::Mutex::new(hangs));
    let threads = Arc::new(AtomicUsize::new(0));
    let tasks = tokio_util::task::TaskTracker::new();
    for _ in 0..LOOKUPS_MAX * 2 {
        let (guard, hangs) = (guard.clone(), Arc::clone(&hangs));
        let threads = Arc::clone(&threads);
        tasks.spawn(async move {
            let looking = guard.lookup(move || {
                threads.fetch_add(1, Ordering::SeqCst);
                let _ended = hangs.lock().unwrap().recv();
                Ok(())
            });
            // Whoever asked does not wait so long; its thread does.
            let _given_up = timeout(Duration::from_millis(10), looking).await;
        });
    }
    (held, threads)
}

#[tokio::test]
async fn names_that_nobody_resolves_take_few_threads() {
    use std::sync::atomic::Ordering;
    let guard = Guard::new(&["127.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()]);
    let (held, threads) = hanging(&guard);
    while threads.load(Ordering::SeqCst) < LOOKUPS_MAX {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let refused = guard.resolve("localhost").await;
    assert!(matches!(refused, Err(Unresolved::Busy)), "{refused:?}");
    assert_eq!(threads.load(Ordering::SeqCst), LOOKUPS_MAX);
    drop(held);
    let mut found = guard.resolve("localhost").await;
    for _ in 0..20 {
        if found.is_ok() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
        found = guard.resolve("localhost").await;
    }
    panic!("{found:?}");
}
