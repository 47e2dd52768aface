//! Texts that are no tokens, or that two readers would read in two ways.

use application::ports::identity::Flaw;

use crate::jwt::forge::encoded;
use crate::jwt::world::World;
use crate::jwt::{Kind, Vector};

pub(crate) fn vectors(world: &World) -> Vec<Vector> {
    let mut found = parts(world);
    found.extend(encodings(world));
    found.extend(json(world));
    found.extend(purposes(world));
    found
}

fn parts(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("parts", world.rsa(), &world.rsa);
    let good = world.rsa().signed(&world.rsa);
    let (head, claims) = (world.rsa().head_part(), world.rsa().claims_part());
    let signature = good.rsplit('.').next().expect("a signature").to_owned();
    for (name, text) in [
        ("nothing", String::new()),
        ("one dot", ".".to_owned()),
        ("no signature", format!("{head}.{claims}")),
        ("a part more", format!("{good}.{signature}")),
        ("a dot more", format!("{good}.")),
        (
            "encrypted",
            format!("{head}.{claims}.{claims}.{claims}.{signature}"),
        ),
        ("two tokens", format!("{good},{good}")),
        ("with fullwidth dots", good.replace('.', "．")),
        ("with escaped dots", good.replace('.', "%2E")),
        (
            "serialized as JSON",
            format!(r#"{{"protected":"{head}","payload":"{claims}","signature":"{signature}"}}"#),
        ),
    ] {
        kind.text(name, text, Flaw::Parts);
    }
    kind.text("three empty parts", "..", Flaw::Json);
    kind.text("no header", format!(".{claims}.{signature}"), Flaw::Json);
    kind.text("no claims", format!("{head}..{signature}"), Flaw::Json);
    let long = "x".repeat(9000);
    kind.signed("too long", Flaw::Length, |token| {
        token.claim("more", &format!("\"{long}\""))
    });
    kind.text("64 KiB of nothing", "A".repeat(65_536), Flaw::Length);
    kind.done()
}

/// What some decoders forgive.
fn encodings(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("encoding", world.rsa(), &world.rsa);
    let token = world.rsa();
    let (head, claims) = (token.head_part(), token.claims_part());
    let padded = |part: &str| format!("{part}{}", "=".repeat((4 - part.len() % 4) % 4));
    let (open_head, open_claims) = (format!("{head}="), format!("{claims}="));
    for (name, head, claims) in [
        ("padded header", open_head.as_str(), claims.as_str()),
        ("padded claims", head.as_str(), open_claims.as_str()),
        ("space before", &format!(" {head}"), &claims),
        (
            "line end in it",
            &format!("{}\n{}", &head[..8], &head[8..]),
            &claims,
        ),
        ("NUL in it", &head, &format!("{claims}\0")),
        ("not base64", &head, "%%%%"),
        (
            "a letter too few",
            &head,
            &claims[..claims.len() / 4 * 4 - 3],
        ),
        ("not ASCII", &head, "클레임"),
    ] {
        kind.text(name, world.rsa.over(head, claims), Flaw::Encoding);
    }
    // Of the standard alphabet, with the same bytes behind it.
    let odd = token.claim("more", r#""???>>>~~~ÿÿÿ""#);
    let standard = odd.claims_part().replace('-', "+").replace('_', "/");
    assert_ne!(standard, odd.claims_part(), "no letter differs");
    let standard = world.rsa.over(&head, &standard);
    kind.text("standard alphabet", standard, Flaw::Encoding);
    let good = world.rsa().signed(&world.rsa);
    let signature = good.rsplit('.').next().expect("a signature");
    let message = format!("{head}.{claims}");
    for (name, text) in [
        (
            "padded signature",
            format!("{message}.{}", padded(signature)),
        ),
        ("space after", format!("{good} ")),
        ("line end after", format!("{good}\n")),
        ("tab in the signature", format!("{message}.\t{signature}")),
        (
            "open bits in the signature",
            format!("{message}.{}", with_open_bits(signature)),
        ),
    ] {
        kind.text(name, text, Flaw::Signature);
    }
    kind.done()
}

/// The last letter of 342 holds four bits that decode to nothing; this sets one of them.
fn with_open_bits(signature: &str) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let (rest, last) = signature.split_at(signature.len() - 1);
    let place = LETTERS
        .iter()
        .position(|letter| [*letter] == last.as_bytes());
    let place = place.expect("a letter") + 1;
    format!("{rest}{}", char::from(LETTERS[place]))
}

fn json(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("JSON", world.rsa(), &world.rsa);
    let (head, claims) = (world.rsa().head_part(), world.rsa().claims_part());
    let deep = format!("{}{}", "[".repeat(2000), "]".repeat(2000));
    for (name, text) in [
        ("null", "null"),
        ("a text", "\"member-1\""),
        ("a number", "1"),
        ("a list", "[]"),
        ("cut off", r#"{"iss":"https://keys.example""#),
        ("two objects", "{}{}"),
        ("a comma too many", r#"{"iss":"https://keys.example",}"#),
        ("single quotes", "{'iss':'https://keys.example'}"),
        ("a comment", "{}/**/"),
        ("a byte order mark", "\u{feff}{}"),
        ("too deep", deep.as_str()),
        ("half a character", r#"{"sub":"\ud800"}"#),
        ("a NUL unescaped", "{\"sub\":\"a\0\"}"),
    ] {
        let as_claims = world.rsa.over(&head, &encoded(text));
        kind.text(&format!("{name} for claims"), as_claims, Flaw::Json);
        let as_head = world.rsa.over(&encoded(text), &claims);
        kind.text(&format!("{name} for a header"), as_head, Flaw::Json);
    }
    let not_utf8 = world.rsa.over(&head, &encoded(b"{\"sub\":\"\xff\"}"));
    kind.text("not UTF-8", not_utf8, Flaw::Json);
    for (name, literal) in [
        ("exp", "9999999999"),
        ("iss", "\"https://keys.example\""),
        ("aud", "\"payflow\""),
        ("sub", "\"member-2\""),
        ("s\\u0075b", "\"member-2\""),
        ("merchant", "\"mer_x\""),
    ] {
        kind.signed(&format!("{name} twice"), Flaw::Duplicate, |token| {
            token.claim_again(name, literal)
        });
    }
    for (name, literal) in [
        ("alg", "\"none\""),
        ("alg", "\"RS256\""),
        ("kid", "\"rsa-1\""),
        ("typ", "\"JWT\""),
        ("al\\u0067", "\"HS256\""),
    ] {
        let title = format!("{name} twice in the header, {literal}");
        kind.signed(&title, Flaw::Duplicate, |token| {
            token.head_again(name, literal)
        });
    }
    kind.signed("a name twice further in", Flaw::Duplicate, |token| {
        token.claim("more", r#"{"a":1,"a":2}"#)
    });
    kind.done()
}

/// Tokens that were made for something else.
fn purposes(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("purpose", world.rsa(), &world.rsa);
    for word in [
        "logout+jwt",
        "secevent+jwt",
        "dpop+jwt",
        "JWE",
        "JOSE",
        "id_token",
        "JWT ",
        "application/",
        "application/application/jwt",
        "text/JWT",
    ] {
        kind.signed(word, Flaw::Type, |token| {
            token.head("typ", &format!("\"{word}\""))
        });
    }
    kind.signed("no typ", Flaw::Type, |token| token.headless("typ"));
    for literal in ["null", "1", r#"["JWT"]"#] {
        kind.signed(literal, Flaw::Header, |token| token.head("typ", literal));
    }
    kind.signed("a token in a token", Flaw::Type, |token| {
        token.head("cty", "\"JWT\"")
    });
    kind.done()
}
