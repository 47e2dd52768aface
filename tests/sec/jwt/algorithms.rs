//! Tokens that would choose how they are verified.

use application::ports::identity::Flaw;
use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512,
};

use crate::jwt::forge::{Issued, Signer, encoded, pem};
use crate::jwt::world::World;
use crate::jwt::{Kind, Vector};

pub(crate) fn vectors(world: &World) -> Vec<Vector> {
    let mut found = unsigned(world);
    found.extend(public_keys_as_secrets(world));
    found.extend(other_ways(world));
    found.extend(odd_words(world));
    found.extend(secrets(world));
    found
}

fn labelled(algorithm: &str) -> impl Fn(Issued) -> Issued {
    move |token| token.head("alg", &format!("\"{algorithm}\""))
}

/// `none`, in every case, without and with a signature.
fn unsigned(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("unsigned", world.rsa(), &world.rsa);
    for word in ["none", "None", "NONE", "nOnE", "", "null"] {
        let token = labelled(word)(world.rsa());
        let bare = format!("{}.{}.", token.head_part(), token.claims_part());
        kind.text(&format!("{word:?}"), bare, Flaw::Algorithm);
        kind.signed(&format!("{word:?} signed"), Flaw::Algorithm, labelled(word));
    }
    kind.done()
}

/// HS256 with what everybody knows.
fn public_keys_as_secrets(world: &World) -> Vec<Vector> {
    let mut found = Vec::new();
    for (name, good, signer) in [
        ("HS256 with the RSA key", world.rsa(), &world.rsa),
        ("HS256 with the EC key", world.ec(), &world.ec),
        ("HS256 with the Ed25519 key", world.ed(), &world.ed),
    ] {
        let mut kind = Kind::new(name, good, signer);
        let pem = signer.pem();
        for (form, secret) in [
            ("PEM", pem.clone().into_bytes()),
            ("PEM without its last line end", pem.trim_end().into()),
            ("PEM with CRLF", pem.replace('\n', "\r\n").into_bytes()),
            ("DER", signer.der()),
            ("bare", signer.public()),
            ("bare in base64url", encoded(signer.public()).into_bytes()),
            ("JWK", signer.jwk("k").to_string().into_bytes()),
            ("nothing", Vec::new()),
        ] {
            let secret = Signer::secret(secret);
            kind.signed_by(form, Flaw::Algorithm, &secret, labelled("HS256"));
            // The same under the label that the key has.
            let kept = format!("{form}, labelled as the key is");
            kind.signed_by(&kept, Flaw::Signature, &secret, |token| token);
        }
        found.extend(kind.done());
    }
    let mut kind = Kind::new("HS256 with the RSA key", world.rsa(), &world.rsa);
    let pkcs1 = Signer::secret(pem("RSA PUBLIC KEY", &world.rsa.public()));
    kind.signed_by("PKCS #1", Flaw::Algorithm, &pkcs1, labelled("HS256"));
    found.extend(kind.done());
    found
}

/// The right key, used in a way that it is not for.
fn other_ways(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("another way", world.rsa(), &world.rsa);
    for (word, signer) in [
        ("RS384", world.rsa.by(&RSA_PKCS1_SHA384)),
        ("RS512", world.rsa.by(&RSA_PKCS1_SHA512)),
        ("PS256", world.rsa.by(&RSA_PSS_SHA256)),
        ("PS384", world.rsa.by(&RSA_PSS_SHA384)),
        ("PS512", world.rsa.by(&RSA_PSS_SHA512)),
    ] {
        kind.signed_by(word, Flaw::Algorithm, &signer, labelled(word));
        let kept = format!("{word} labelled RS256");
        kind.signed_by(&kept, Flaw::Signature, &signer, |token| token);
    }
    kind.signed_by(
        "ES256 with the key of RS256",
        Flaw::Algorithm,
        &world.ec,
        labelled("ES256"),
    );
    kind.signed_by(
        "EdDSA with the key of RS256",
        Flaw::Algorithm,
        &world.ed,
        labelled("EdDSA"),
    );
    let mut found = kind.done();
    let mut kind = Kind::new("another way", world.ec(), &world.ec);
    for word in ["ES384", "ES512", "ES256K", "EdDSA", "RS256", "HS256"] {
        let name = format!("{word} with the key of ES256");
        kind.signed(&name, Flaw::Algorithm, labelled(word));
    }
    let other_curve = &world.thief.p384;
    kind.signed_by(
        "P-384 labelled ES256",
        Flaw::Signature,
        other_curve,
        |token| token,
    );
    kind.signed_by("P-384", Flaw::Algorithm, other_curve, labelled("ES384"));
    found.extend(kind.done());
    let mut kind = Kind::new("another way", world.ed(), &world.ed);
    for word in ["Ed25519", "Ed448", "ES256"] {
        let name = format!("{word} with the key of EdDSA");
        kind.signed(&name, Flaw::Algorithm, labelled(word));
    }
    found.extend(kind.done());
    found
}

fn odd_words(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("alg", world.rsa(), &world.rsa);
    for word in [
        "rs256",
        "RS256 ",
        " RS256",
        "RS256\\u0000",
        "RS256,none",
        "RSA",
    ] {
        kind.signed(&format!("{word:?}"), Flaw::Algorithm, labelled(word));
    }
    for literal in ["null", "256", "true", r#"["RS256"]"#, r#"{"RS256":1}"#] {
        kind.signed(literal, Flaw::Header, |token| token.head("alg", literal));
    }
    kind.signed("missing", Flaw::Algorithm, |token| token.headless("alg"));
    kind.done()
}

/// Attacks on a secret that both sides have.
fn secrets(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("secret", world.shared(), &world.secret);
    let Signer::Secret(secret, _) = &world.secret else {
        panic!("a secret")
    };
    for (word, algorithm) in [("HS384", hmac::HMAC_SHA384), ("HS512", hmac::HMAC_SHA512)] {
        let signer = Signer::Secret(secret.clone(), algorithm);
        kind.signed_by(word, Flaw::Algorithm, &signer, labelled(word));
        let kept = format!("{word} labelled HS256");
        kind.signed_by(&kept, Flaw::Signature, &signer, |token| token);
    }
    for (name, guess) in [
        ("empty", Vec::new()),
        (
            "with the line end of its file",
            [secret.as_slice(), b"\n"].concat(),
        ),
        ("a part of it", secret[..16].to_vec()),
        ("a common one", b"your-256-bit-secret".to_vec()),
    ] {
        kind.signed_by(name, Flaw::Signature, &Signer::secret(guess), |token| token);
    }
    kind.signed_by(
        "a public key of another issuer",
        Flaw::Algorithm,
        &world.rsa,
        labelled("RS256"),
    );
    kind.done()
}
