//! Issuers who must not be believed as they are configured, each with the setting that is named.

use crate::config::Config;
use crate::config::checks::tests::refused;

/// An issuer that could be believed, with one line replaced or added.
fn issuer(line: &str) -> String {
    let name = line.split('=').next().unwrap_or_default().trim();
    let lines = [
        "issuer = \"https://login.example\"",
        "audience = [\"payflow\"]",
        "mode = \"test\"",
        "merchant_claim = \"merchant\"",
        "jwks_url = \"https://login.example/jwks\"",
    ];
    let kept = lines.iter().filter(|kept| !kept.starts_with(name));
    let kept: Vec<&str> = kept.copied().chain([line]).collect();
    format!("[identity.issuers.shop]\n{}", kept.join("\n"))
}

const SECRET_KEY: &str = "{ algorithm = \"HS256\", file = \"a\", kid = \"1\" }";
const PUBLIC_KEY: &str = "{ algorithm = \"RS256\", file = \"b\", kid = \"2\" }";

/// An issuer whose keys are these files.
fn with_keys(keys: &str) -> String {
    issuer(&format!("keys = [{keys}]")).replace("jwks_url = \"https://login.example/jwks\"\n", "")
}

#[test]
fn issuers_that_can_be_believed_are_taken() {
    for safe in [
        issuer("mode = \"live\""),
        issuer("jwks_url = \"http://127.0.0.1:9000/jwks\""),
        issuer("lifetime_max = \"1h\""),
        issuer("types = [\"\"]"),
        issuer("proof_types = []"),
        format!(
            "{}\n[step_up]\ndemanded_for = [\"approve\"]",
            issuer("mode = \"test\"")
        ),
        "[step_up]\nchallenge_lifetime = \"30s\"\nknown_device_days = 0".to_owned(),
        with_keys(SECRET_KEY),
        with_keys(PUBLIC_KEY),
    ] {
        let taken = Config::with(&safe);
        assert!(taken.is_ok(), "{safe}: {:?}", taken.err());
    }
}

#[test]
fn issuers_that_anybody_could_be_are_refused() {
    for (line, key) in [
        ("audience = []", "audience"),
        ("audience = [\"\"]", "audience"),
        ("issuer = \"\"", "issuer"),
        ("types = []", "types"),
        ("proof_types = [\"\"]", "proof_types"),
        ("proof_types = [\"jwt\"]", "proof_types"),
        ("types = [\"Step-Up+JWT\"]", "proof_types"),
        ("lifetime_max = \"0s\"", "lifetime_max"),
        ("member_claim = \"iss\"", "member_claim"),
        ("member_claim = \"\"", "member_claim"),
        ("merchant_claim = \"sub\"", "merchant_claim"),
        ("merchant_claim = \"aud\"", "merchant_claim"),
        ("merchant_claim = \"\"", "merchant_claim"),
        ("jwks_url = \"http://login.example/jwks\"", "jwks_url"),
        ("jwks_url = \"http://localhost.example/jwks\"", "jwks_url"),
        ("jwks_url = \"file:///etc/keys\"", "jwks_url"),
    ] {
        let setting = format!("identity.issuers.shop.{key}");
        assert_eq!(refused(&issuer(line)), setting, "{line}");
    }
    let twice = issuer("mode = \"test\"");
    let twice = format!("{twice}\n{}", twice.replace("issuers.shop", "issuers.twin"));
    assert_eq!(refused(&twice), "identity.issuers.shop.issuer");
    for (overrides, setting) in [
        ("leeway = \"61s\"", "identity.leeway"),
        ("token_bytes_max = 20000", "identity.token_bytes_max"),
        ("jwks_refetch_gap = \"0s\"", "identity.jwks_refetch_gap"),
        ("files_reread_every = \"0s\"", "identity.files_reread_every"),
        ("jwks_refresh_every = \"1s\"", "identity.jwks_refresh_every"),
        ("jwks_stale_max = \"1m\"", "identity.jwks_stale_max"),
    ] {
        assert_eq!(refused(&format!("[identity]\n{overrides}")), setting);
    }
    for (key, overrides) in [
        ("challenge_lifetime", "challenge_lifetime = \"29s\""),
        ("challenge_lifetime", "challenge_lifetime = \"16m\""),
        ("known_device_days", "known_device_days = 366"),
    ] {
        let issuer = issuer("proof_types = []");
        let setting = format!("step_up.{key}");
        assert_eq!(
            refused(&format!("{issuer}\n[step_up]\n{overrides}")),
            setting
        );
    }
}

#[test]
fn nobody_is_asked_for_proofs_that_their_issuer_does_not_give() {
    let proving = issuer("proof_types = [\"step-up+jwt\"]");
    let mute = proving.replace("[\"step-up+jwt\"]", "[]");
    let mute = mute.replace("issuers.shop", "issuers.mute");
    let mute = mute.replace("//login", "//mute");
    let demanded = "[step_up]\ndemanded_for = [\"cancel\"]";
    for mode in ["test", "live"] {
        let mute = mute.replace("\"test\"", &format!("\"{mode}\""));
        let shared = if mode == "test" {
            "shares_members = true"
        } else {
            ""
        };
        let both = format!("{proving}\n{shared}\n{mute}\n{shared}\n");
        assert!(Config::with(&both).is_ok(), "{both}");
        let setting = refused(&format!("{both}{demanded}"));
        assert_eq!(setting, "identity.issuers.mute.proof_types", "{mode}");
    }
}

#[test]
fn two_issuers_of_one_merchants_members_have_to_say_so() {
    let stranger = MERCHANT.replace("001", "002");
    let bound = |merchant: &str| format!("merchant = \"{merchant}\"");
    let hosted =
        |merchant: &str| format!("merchant_by_host = {{ \"a.example\" = \"{merchant}\" }}");
    let claimed = "merchant_claim = \"merchant\"".to_owned();
    let named = |name: &str, mode: &str, by: &str, more: &str| {
        let audience = if by.contains("by_host") {
            ""
        } else {
            "audience = [\"payflow\"]\n"
        };
        format!(
            "[identity.issuers.{name}]\nissuer = \"{name}\"\nmode = \"{mode}\"\n{by}\n{audience}\
             jwks_url = \"https://login.example/jwks\"\n{more}\n"
        )
    };
    let shares = "shares_members = true";
    for (one, other) in [
        (bound(MERCHANT), bound(MERCHANT)),
        (bound(MERCHANT), hosted(MERCHANT)),
        (hosted(MERCHANT), hosted(MERCHANT)),
        (claimed.clone(), bound(MERCHANT)),
        (hosted(MERCHANT), claimed.clone()),
        (claimed.clone(), claimed.clone()),
    ] {
        for (first, second, setting) in [("", "", "one"), (shares, "", "two"), ("", shares, "one")]
        {
            let both = named("one", "test", &one, first) + &named("two", "test", &other, second);
            let setting = format!("identity.issuers.{setting}.shares_members");
            assert_eq!(refused(&both), setting, "{both}");
        }
        for both in [
            named("one", "test", &one, shares) + &named("two", "test", &other, shares),
            named("one", "test", &one, "") + &named("two", "live", &other, ""),
        ] {
            let taken = Config::with(&both);
            assert!(taken.is_ok(), "{both}: {:?}", taken.err());
        }
    }
    for (one, other) in [
        (bound(MERCHANT), bound(&stranger)),
        (bound(MERCHANT), hosted(&stranger)),
        (hosted(&stranger), hosted(MERCHANT)),
    ] {
        let both = named("one", "test", &one, "") + &named("two", "test", &other, "");
        let taken = Config::with(&both);
        assert!(taken.is_ok(), "{both}: {:?}", taken.err());
    }
}

const MERCHANT: &str = "mer_0000000000000000000000000000000001";

/// An issuer whose hosts name the merchant; `line` stands besides.
fn by_host(host: &str, line: &str) -> String {
    let hosts = format!("merchant_by_host = {{ \"{host}\" = \"{MERCHANT}\" }}\n{line}");
    let issuer = issuer(&hosts).replace("merchant_claim = \"merchant\"\n", "");
    issuer.replacen("audience = [\"payflow\"]\n", "", 1)
}

#[test]
fn hosts_are_the_audience_where_they_name_the_merchant() {
    for host in ["pay.example", "localhost", "127.0.0.1", "[::1]"] {
        let taken = Config::with(&by_host(host, ""));
        assert!(taken.is_ok(), "{host}: {:?}", taken.err());
    }
    let named = by_host("pay.example", "audience = [\"payflow\"]");
    assert_eq!(refused(&named), "identity.issuers.shop.audience");
    for host in [
        "Pay.example",
        "pay.example:443",
        "pay.example.",
        "https://pay.example",
        "pay.example/",
        "user@pay.example",
        "pay example",
        "[::1]:443",
        "",
    ] {
        let setting = refused(&by_host(host, ""));
        assert_eq!(setting, "identity.issuers.shop.merchant_by_host", "{host}");
    }
}

#[test]
fn keys_that_prove_nothing_are_refused() {
    let both = format!("{SECRET_KEY}, {PUBLIC_KEY}");
    let twice = format!("{PUBLIC_KEY}, {PUBLIC_KEY}");
    for overrides in [
        with_keys(""),
        with_keys(&both),
        with_keys(&twice),
        issuer(&format!("keys = [{PUBLIC_KEY}]")),
    ] {
        assert_eq!(
            refused(&overrides),
            "identity.issuers.shop.keys",
            "{overrides}"
        );
    }
    for algorithm in ["none", "None", "", "RS512", "HS384", "hs256"] {
        let key = SECRET_KEY.replace("HS256", algorithm);
        let error = Config::with(&with_keys(&key)).unwrap_err().to_string();
        assert!(error.contains("identity.issuers.shop.keys"), "{error}");
    }
}
