//! Configurations that must not start, each with the setting that is named.

use super::*;
use crate::config::Error;

const TEST: &str = "secret_key = \"test_sk_1\"\nclient_key = \"test_ck_1\"\n";
const LIVE: &str = "secret_key = \"live_sk_1\"\nclient_key = \"live_ck_1\"\n";
const BOOKS: &str = "[database]\nurl = \"postgres://db/payflow\"\n\
                     [vault]\nmaster_keys = \"a:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\"\n";

pub(super) fn refused(overrides: &str) -> Cow<'static, str> {
    match Config::with(overrides) {
        Err(Error::Unsafe(refused)) => refused.setting,
        Err(Error::Unreadable(error)) => panic!("{overrides}: unreadable: {error}"),
        Ok(_) => panic!("{overrides}: accepted"),
    }
}

#[test]
fn safe_settings_are_taken() {
    for safe in [
        format!("[toss]\n{TEST}"),
        format!("[toss]\n{LIVE}{BOOKS}"),
        "[sandbox]\nurl = \"http://127.0.0.1:8081\"".to_owned(),
        "[database]\nurl = \"sqlite::memory:\"\ncreate = false".to_owned(),
        "[timings]\ndivide_by = 10".to_owned(),
        "[shop]\nenabled = false\nlisten = \"0.0.0.0:8082\"".to_owned(),
        format!("[toss]\n{TEST}[shop]\nlisten = \"0.0.0.0:8082\""),
    ] {
        assert!(
            Config::with(&safe).is_ok(),
            "{safe}: {:?}",
            Config::with(&safe).err()
        );
    }
}

#[test]
fn a_build_without_a_sandbox_serves_only_with_a_gateway() {
    let serves = |overrides: &str, embeds_sandbox| {
        let config = Config::with(overrides).unwrap();
        let checked = config.check_serving(embeds_sandbox);
        checked.map_err(|refused| refused.setting)
    };
    assert_eq!(serves("", true), Ok(()));
    assert_eq!(serves("", false), Err("toss.secret_key".into()));
    let sandbox = "[sandbox]\nurl = \"http://127.0.0.1:8081\"";
    for gateway in [format!("[toss]\n{TEST}"), sandbox.to_owned()] {
        assert_eq!(serves(&gateway, false), Ok(()), "{gateway}");
    }
}

#[test]
fn work_is_shared_over_what_all_can_reach() {
    let shared = |overrides: &str| {
        let config = Config::with(overrides).unwrap();
        config.check_shared().map_err(|refused| refused.setting)
    };
    let gateway = "[sandbox]\nurl = \"http://127.0.0.1:8081\"\n";
    assert_eq!(shared(gateway), Err("database.url".into()));
    assert_eq!(shared(BOOKS), Err("toss.secret_key".into()));
    assert_eq!(shared(&format!("{BOOKS}{gateway}")), Ok(()));
}

#[test]
fn gateways_that_do_not_fit_are_refused() {
    let toss = |more: &str| format!("[toss]\n{TEST}{more}");
    let live = |more: &str| format!("[toss]\n{LIVE}{more}");
    for (overrides, setting) in [
        (
            toss("api_url = \"http://api.tosspayments.com\""),
            "toss.api_url",
        ),
        (
            toss("api_url = \"ftp://api.tosspayments.com\""),
            "toss.api_url",
        ),
        (
            toss("api_url = \"http://127.0.0.1.evil.example\""),
            "toss.api_url",
        ),
        (
            live(&format!("api_url = \"http://localhost:8081\"\n{BOOKS}")),
            "toss.api_url",
        ),
        (
            live(&format!("api_url = \"http://[::1]:8081\"\n{BOOKS}")),
            "toss.api_url",
        ),
        (toss("calls_max = 0"), "toss.calls_max"),
    ] {
        assert_eq!(refused(&overrides), setting, "{overrides}");
    }
}

#[test]
fn keys_that_do_not_fit_are_refused() {
    let live = |more: &str| format!("[toss]\n{LIVE}{more}");
    for (overrides, setting) in [
        (
            "[toss]\nsecret_key = \"sk_1\"\nclient_key = \"test_ck_1\"".into(),
            "toss.secret_key",
        ),
        (
            "[toss]\nsecret_key = \"test_sk_ 1\"".into(),
            "toss.secret_key",
        ),
        (
            "[toss]\nsecret_key = \"test_sk_1\"".into(),
            "toss.client_key",
        ),
        (
            "[toss]\nclient_key = \"test_ck_1\"".into(),
            "toss.secret_key",
        ),
        (
            "[toss]\nsecret_key = \"test_sk_1\"\nclient_key = \"test_sk_1\"".into(),
            "toss.client_key",
        ),
        (
            "[toss]\nsecret_key = \"test_sk_1\"\nclient_key = \"live_ck_1\"".into(),
            "toss.client_key",
        ),
        (
            live(&format!("{BOOKS}[sandbox]\nurl = \"http://127.0.0.1:1\"")),
            "sandbox.url",
        ),
        ("[sandbox]\nurl = \"127.0.0.1:8081\"".into(), "sandbox.url"),
        (
            "[sandbox]\nurl = \"http://sandbox:8081\"".into(),
            "sandbox.url",
        ),
        (
            "[sandbox]\nlisten = \"0.0.0.0:8081\"".into(),
            "sandbox.listen",
        ),
        ("[shop]\nlisten = \"0.0.0.0:8082\"".into(), "shop.listen"),
        (
            live(&format!("{BOOKS}[bounds]\nkey_lifetime = \"14d\"")),
            "bounds.key_lifetime",
        ),
        (
            live(&format!("{BOOKS}[timings]\ndivide_by = 10")),
            "timings.divide_by",
        ),
    ] {
        assert_eq!(refused(&overrides), setting, "{overrides}");
    }
}

#[test]
fn books_that_could_be_empty_are_refused() {
    let live = |more: &str| format!("[toss]\n{LIVE}{more}");
    for (overrides, setting) in [
        (
            "[database]\nurl = \"mysql://db\"".to_owned(),
            "database.url",
        ),
        ("[database]\nurl = \"sqlite:\"".to_owned(), "database.url"),
        (
            "[database]\nurl = \"sqlite:no/such.db\"\ncreate = false".to_owned(),
            "database.url",
        ),
        ("[database]\npool_size = 0".to_owned(), "database.pool_size"),
        (
            live("[database]\nurl = \"sqlite://data/p.db\""),
            "database.create",
        ),
        (
            live("[database]\nurl = \"sqlite::memory:\"\ncreate = false"),
            "database.url",
        ),
    ] {
        assert_eq!(refused(&overrides), setting, "{overrides}");
    }
}

#[test]
fn master_keys_that_are_none_are_refused() {
    let key = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let keys = |keys: &str| format!("[vault]\nmaster_keys = \"{keys}\"");
    let live = "[database]\nurl = \"postgres://db/payflow\"\n[toss]\n";
    for overrides in [
        keys(key),
        keys("a:c2hvcnQ="),
        keys("a:****"),
        keys(&format!("a:{key},a:{key}")),
        format!("{}\nmaster_key_file = \"keys\"", keys(&format!("a:{key}"))),
        format!("{live}{LIVE}"),
    ] {
        assert_eq!(refused(&overrides), "vault.master_keys", "{overrides}");
    }
    let file = format!("{live}{LIVE}[vault]\nmaster_key_file = \"keys\"");
    assert!(Config::with(&file).is_ok(), "{:?}", Config::with(&file));
    let shown = format!("{:?}", Config::with(&keys(&format!("a:{key}"))).unwrap());
    assert!(!shown.contains(key), "{shown}");
}

#[test]
fn streams_that_nobody_bounds_are_refused() {
    for (overrides, setting) in [
        ("[stream]\nheartbeat = \"0s\"", "stream.heartbeat"),
        ("[stream]\nheartbeat = \"2m\"", "stream.heartbeat"),
        ("[stream]\nduration_max = \"0s\"", "stream.duration_max"),
        ("[stream]\nduration_max = \"61s\"", "stream.duration_max"),
        ("[stream]\nper_merchant_max = 0", "stream.per_merchant_max"),
        (
            "[stream]\nper_merchant_max = 1001",
            "stream.per_merchant_max",
        ),
    ] {
        assert_eq!(refused(overrides), setting, "{overrides}");
    }
}

#[test]
fn bounds_that_contradict_each_other_are_refused() {
    for (overrides, setting) in [
        ("[payments]\ncurrencies = []", "payments.currencies"),
        ("[payments]\ncurrencies = [\"XBT\"]", "payments.currencies"),
        (
            "[payments]\namount_minor_max = 0",
            "payments.amount_minor_max",
        ),
        (
            "[timings]\npayment_lifetime = \"5s\"",
            "timings.payment_lifetime",
        ),
        (
            "[payments]\nlifetime_max = \"30m\"",
            "payments.lifetime_max",
        ),
        ("[metrics]\nlisten = \"127.0.0.1:8080\"", "metrics.listen"),
        ("[server]\nbody_bytes_max = 10", "server.body_bytes_max"),
        ("[server]\nheaders_max = 1", "server.headers_max"),
        ("[server]\nrequests_max = 0", "server.requests_max"),
        ("[server]\nheader_timeout = \"0s\"", "server.header_timeout"),
        ("[log]\nfilter = \"payflow=loud\"", "log.filter"),
        ("[timings]\ndivide_by = 0", "timings.divide_by"),
        ("[timings]\npatience = \"25s\"", "timings.drain"),
        ("[timings]\ndrain = \"65s\"", "toss.total_timeout"),
        ("[timings]\ncall_bound = \"65s\"", "timings.call_bound"),
        (
            "[timings]\nconfirm_window = \"75s\"",
            "timings.confirm_window",
        ),
        ("[timings]\nheartbeat = \"8s\"", "timings.heartbeat"),
        ("[timings]\ndoubt_for = \"0s\"", "timings.doubt_for"),
        (
            "[timings]\nrecovery_every = \"0s\"",
            "timings.recovery_every",
        ),
        ("[timings]\nupkeep_every = \"0s\"", "timings.upkeep_every"),
        (
            "[timings]\naccess_believed = \"11s\"",
            "timings.access_believed",
        ),
        (
            "[timings]\nswitches_every = \"6s\"",
            "timings.switches_every",
        ),
        ("[timings]\nstuck_after = \"8s\"", "timings.stuck_after"),
        ("[timings]\nwatch_grace = \"9m\"", "timings.watch_grace"),
        ("[timings]\nwatch_overlap = \"1m\"", "timings.watch_overlap"),
        ("[bounds]\nwatch_rows = 0", "bounds.watch_rows"),
        ("[bounds]\nwatch_rows = 1001", "bounds.watch_rows"),
        ("[bounds]\npass_rows = 0", "bounds.pass_rows"),
        ("[timings]\njob_lease = \"8s\"", "timings.job_lease"),
        ("[timings]\njob_lease = \"0s\"", "timings.job_lease"),
        ("[feed]\nrows = 0", "feed.rows"),
        ("[feed]\nrows = 1001", "feed.rows"),
        ("[feed]\npoll = \"0s\"", "feed.poll"),
        ("[feed]\npoll = \"2s\"", "feed.poll"),
        ("[feed]\npause_max = \"0s\"", "feed.pause_max"),
        ("[bounds]\nkey_lifetime = \"23h\"", "bounds.key_lifetime"),
    ] {
        assert_eq!(refused(overrides), setting, "{overrides}");
    }
}

#[test]
fn brokers_that_cannot_be_spoken_with_safely_are_refused() {
    let kafka = |line: &str| format!("[kafka]\n{line}");
    for (line, setting) in [
        ("brokers = \"kafka\"", "kafka.brokers"),
        ("brokers = \"kafka:9092,\"", "kafka.brokers"),
        ("brokers = \"kafka:0\"", "kafka.brokers"),
        ("delivery_timeout = \"10ms\"", "kafka.delivery_timeout"),
        ("delivery_timeout = \"25s\"", "kafka.delivery_timeout"),
        ("linger = \"2s\"", "kafka.linger"),
        ("session_timeout = \"0s\"", "kafka.session_timeout"),
        ("partitions = 0", "kafka.partitions"),
        ("replication = -1", "kafka.replication"),
        ("orders_merchant = \"shop\"", "kafka.orders_merchant"),
        ("orders_mode = \"real\"", "kafka.orders_mode"),
        ("properties = { acks = \"1\" }", "kafka.properties"),
        (
            "properties = { \"enable.idempotence\" = \"false\" }",
            "kafka.properties",
        ),
    ] {
        assert_eq!(refused(&kafka(line)), setting, "{line}");
    }
    for safe in [
        "brokers = \"kafka-1:9092,[::1]:9093\"",
        "properties = { \"security.protocol\" = \"ssl\" }",
    ] {
        assert!(Config::with(&kafka(safe)).is_ok(), "{safe}");
    }
}

#[test]
fn webhooks_are_tried_within_reason() {
    for (key, overrides) in [
        ("timeout", "timeout = \"0s\""),
        ("timeout", "timeout = \"31s\""),
        ("retry_first", "retry_first = \"0s\""),
        ("retry_first", "retry_first = \"9h\""),
        ("retry_first", "retry_cap = \"4d\""),
        ("dead_after", "dead_after = \"4d\""),
        ("kept_for", "kept_for = \"3d\""),
        ("poll", "poll = \"0ms\""),
        ("poll", "poll = \"11s\""),
        ("tries_per_endpoint_max", "tries_per_endpoint_max = 0"),
        ("tries_per_endpoint_max", "tries_per_endpoint_max = 129"),
        ("tries_per_endpoint_max", "tries_per_merchant_max = 1025"),
        ("tries_per_endpoint_max", "tries_max = 10001"),
        ("endpoints_max", "endpoints_max = 0"),
        ("endpoints_max", "endpoints_max = 1001"),
        ("exempt", "exempt = [\"localhost\"]"),
        ("exempt", "exempt = [\"10.0.0.1\"]"),
    ] {
        let setting = format!("webhooks.{key}");
        assert_eq!(
            refused(&format!("[webhooks]\n{overrides}")),
            setting,
            "{overrides}"
        );
    }
    let good = "[webhooks]\nexempt = [\"127.0.0.0/8\", \"::1/128\"]";
    assert!(Config::with(good).is_ok());
}
