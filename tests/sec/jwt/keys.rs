//! Tokens that would choose, bring or invent the key they are verified with.

use application::ports::identity::{Flaw, TokenVerifier as _};
use payflow::adapters::identity::{Rejected, Tokens, Unfit};
use payflow::config::Config;
use serde_json::json;

use crate::jwt::forge::{Issued, Signer, pem};
use crate::jwt::world::{HOSTED, NOW, SHARED, Still, World};
use crate::jwt::{Kind, Vector};

pub(crate) fn vectors(world: &World) -> Vec<Vector> {
    let mut found = names(world);
    found.extend(brought(world));
    found.extend(strangers(world));
    found
}

fn names(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("kid", world.rsa(), &world.rsa);
    let long = "k".repeat(257);
    for name in [
        "",
        "RSA-1",
        " rsa-1",
        "rsa-1 ",
        "rsa-1\\u0000",
        "rsa-1\\n",
        "./rsa-1",
        "rsa.pem",
        "../../../../../../dev/null",
        "/dev/null",
        "..\\\\..\\\\windows\\\\win.ini",
        "file:///dev/null",
        "https://thief.example/key.pem",
        "|cat key",
        "$(id)",
        "*",
        "%",
        "rsa-1' OR '1'='1",
        "x' UNION SELECT 'secret';--",
        "rsa-1;ec-1",
        "null",
        &long,
    ] {
        let shown: String = name.chars().take(30).collect();
        kind.signed(&format!("{shown:?}"), Flaw::Key, |token| {
            token.head("kid", &format!("\"{name}\""))
        });
    }
    for literal in ["null", "1", "true", r#"["rsa-1"]"#, r#"{"rsa-1":1}"#] {
        kind.signed(literal, Flaw::Header, |token| token.head("kid", literal));
    }
    kind.signed("missing", Flaw::Key, |token| token.headless("kid"));
    // What an empty file would be as a secret.
    let nothing = Signer::secret("");
    kind.signed_by("a file without a byte", Flaw::Key, &nothing, |token| {
        token.head("alg", "\"HS256\"").head("kid", "\"/dev/null\"")
    });
    kind.signed("of another key of the issuer", Flaw::Algorithm, |token| {
        token.head("kid", "\"ec-1\"")
    });
    let mut found = kind.done();
    let mut kind = Kind::new("kid", world.hosted(), &world.rsa);
    kind.signed("where the key has none", Flaw::Key, |token| {
        token.head("kid", "\"rsa-1\"")
    });
    let mut by_host = kind.done();
    // The twin of this one needs its host, and is tried elsewhere.
    for vector in &mut by_host {
        vector.twin = world.rsa().signed(&world.rsa);
    }
    found.extend(by_host);
    found
}

/// Keys that come with the token, or from where it says.
fn brought(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("brought", world.rsa(), &world.rsa);
    let thief = &world.thief.rsa;
    let jwk = thief.jwk("rsa-1").to_string();
    for (name, literal) in [
        ("jwk", jwk.as_str()),
        ("jku", "\"https://thief.example/jwks.json\""),
        ("jku", "\"http://127.0.0.1:1/jwks.json\""),
        ("x5u", "\"https://thief.example/x5u.pem\""),
        ("x5c", r#"["MIIB"]"#),
        ("jwk", "null"),
        ("crit", r#"["exp"]"#),
        ("crit", r#"["b64"]"#),
        ("crit", "[]"),
        ("b64", "false"),
        ("zip", "\"DEF\""),
        ("enc", "\"A256GCM\""),
    ] {
        let shown: String = literal.chars().take(30).collect();
        let change = |token: Issued| token.head(name, literal);
        let title = format!("{name} {shown}");
        kind.signed_by(
            &format!("{title}, by a thief"),
            Flaw::Steering,
            thief,
            change,
        );
        kind.signed(&format!("{title}, by the issuer"), Flaw::Steering, change);
    }
    let own = json!({ "kty": "oct", "k": "" }).to_string();
    kind.signed_by(
        "a secret of no bytes",
        Flaw::Steering,
        &Signer::secret(""),
        |token| token.head("alg", "\"HS256\"").head("jwk", &own),
    );
    kind.done()
}

/// Good signatures of others, under a name that they do not have.
fn strangers(world: &World) -> Vec<Vector> {
    let mut found = Vec::new();
    for (name, good, own, other) in [
        ("RSA", world.rsa(), &world.rsa, &world.thief.rsa),
        ("EC", world.ec(), &world.ec, &world.thief.ec),
        ("Ed25519", world.ed(), &world.ed, &world.thief.ed),
    ] {
        let mut kind = Kind::new("stranger", good, own);
        kind.signed_by(
            &format!("{name} key of the same name"),
            Flaw::Signature,
            other,
            |t| t,
        );
        kind.signed(
            &format!("{name}, of an issuer with other keys"),
            Flaw::Key,
            |token| token.claim("iss", &format!("\"{SHARED}\"")),
        );
        found.extend(kind.done());
    }
    let mut kind = Kind::new("stranger", world.rsa(), &world.rsa);
    kind.signed("the key of another issuer", Flaw::Key, |token| {
        token.claim("iss", &format!("\"{HOSTED}\""))
    });
    found.extend(kind.done());
    found
}

/// What is wrong with a key in a file.
fn unfit(algorithm: &str, content: &[u8]) -> Unfit {
    let file = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(file.path(), content).expect("written");
    let settings = format!(
        "[identity.issuers.shop]\nissuer = \"i\"\naudience = [\"a\"]\nmode = \"test\"\n\
         merchant_claim = \"merchant\"\nkeys = [{{ algorithm = \"{algorithm}\", file = \"{}\" }}]",
        file.path().display()
    );
    let config = Config::with(&settings).expect("settings");
    let error = Tokens::new(&config, std::sync::Arc::new(Still(NOW)));
    let error = error.err().expect("an unfit key");
    let named = "identity.issuers.shop.keys: ";
    assert!(error.to_string().starts_with(named), "{error}");
    match error {
        Rejected::Key { why, .. } => why,
        Rejected::File { .. } | Rejected::Address { .. } => panic!("{error}"),
    }
}

#[test]
fn keys_that_prove_nothing_do_not_start() {
    let (rsa, ec, p384, ed) = (Signer::rsa(), Signer::ec(), Signer::p384(), Signer::ed());
    let private = pem("PRIVATE KEY", &ed.der());
    let certificate = pem("CERTIFICATE", &rsa.der());
    for (algorithm, content, why) in [
        ("HS256", b"too short to be a secret".to_vec(), Unfit::Short),
        (
            "HS256",
            b"0123456789012345678901234567890\n".to_vec(),
            Unfit::Short,
        ),
        ("HS256", rsa.pem().into_bytes(), Unfit::Public),
        (
            "HS256",
            rsa.jwk("k").to_string().into_bytes(),
            Unfit::Public,
        ),
        ("HS256", private.clone().into_bytes(), Unfit::Private),
        ("RS256", ec.pem().into_bytes(), Unfit::Form),
        ("RS256", Vec::new(), Unfit::Form),
        ("RS256", b"not a key".to_vec(), Unfit::Form),
        ("RS256", certificate.into_bytes(), Unfit::Form),
        ("ES256", p384.pem().into_bytes(), Unfit::Form),
        ("ES256", rsa.pem().into_bytes(), Unfit::Form),
        ("EdDSA", ec.pem().into_bytes(), Unfit::Form),
        ("EdDSA", private.into_bytes(), Unfit::Private),
    ] {
        let shown = String::from_utf8_lossy(&content);
        let shown: String = shown.chars().take(40).collect();
        assert_eq!(unfit(algorithm, &content), why, "{algorithm} {shown}");
    }
}

#[tokio::test]
async fn a_key_in_pkcs1_verifies_as_well() {
    let world = World::new();
    let file = tempfile::NamedTempFile::new().expect("a file");
    let text = pem("RSA PUBLIC KEY", &world.rsa.public());
    std::fs::write(file.path(), text).expect("written");
    let settings = format!(
        "[identity.issuers.shop]\nissuer = \"{HOSTED}\"\naudience = [\"payflow\"]\n\
         mode = \"test\"\nmerchant_claim = \"merchant\"\n\
         keys = [{{ algorithm = \"RS256\", file = \"{}\" }}]",
        file.path().display()
    );
    let config = Config::with(&settings).expect("settings");
    let tokens = Tokens::new(&config, std::sync::Arc::new(Still(NOW)));
    let token = world.hosted().claim("aud", "\"payflow\"");
    let token = token.signed(&world.rsa);
    let told = tokens.expect("a key").verify(&token, None).await;
    assert!(told.is_ok(), "{told:?}");
}
