//! Claims that are missing, of the wrong type, for others, or not of now.

use application::ports::identity::Flaw;

use crate::jwt::forge::Issued;
use crate::jwt::world::{NOW, World, quoted};
use crate::jwt::{Kind, Vector};

pub(crate) fn vectors(world: &World) -> Vec<Vector> {
    let mut found = times(world);
    found.extend(periods(world));
    found.extend(audiences(world));
    found.extend(issuers(world));
    found.extend(members(world));
    found.extend(merchants(world));
    found
}

/// What is no point in time.
fn times(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("time", world.rsa(), &world.rsa);
    let text = format!("\"{}\"", NOW + 600);
    let list = format!("[{}]", NOW + 600);
    let fraction = format!("{}.5", NOW + 600);
    let whole_fraction = format!("{}.0", NOW + 600);
    for name in ["exp", "nbf", "iat"] {
        for literal in [
            text.as_str(),
            &list,
            &fraction,
            &whole_fraction,
            "\"\"",
            "\"never\"",
            "null",
            "true",
            "{}",
            "-1",
            "-9223372036854775808",
            "1e99",
            "1e9",
            "-1e99",
            "9223372036854775807",
            "18446744073709551616",
            "253402300800",
        ] {
            kind.signed(&format!("{name} {literal}"), Flaw::Instant, |token| {
                token.claim(name, literal)
            });
        }
    }
    kind.signed("exp missing", Flaw::Missing, |token| token.without("exp"));
    kind.signed("exp in capitals", Flaw::Missing, |token| {
        token.without("exp").claim("EXP", &(NOW + 600).to_string())
    });
    kind.done()
}

fn periods(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("period", world.rsa(), &world.rsa);
    let at = |seconds: i64| (NOW + seconds).to_string();
    let undated = |token: Issued| token.without("nbf").without("iat");
    kind.expired("over at the end of the leeway", |t| {
        undated(t).claim("exp", &at(-30))
    });
    kind.expired("over for a day", |t| undated(t).claim("exp", &at(-86_400)));
    kind.expired("over since 1970", |t| undated(t).claim("exp", "0"));
    kind.signed("begins after the leeway", Flaw::Early, |t| {
        t.claim("nbf", &at(31))
    });
    kind.signed("begins after it ends", Flaw::Early, |t| {
        t.claim("nbf", &at(700))
    });
    kind.signed("issued after the leeway", Flaw::Early, |t| {
        t.claim("iat", &at(31))
    });
    kind.signed("ends when it was issued", Flaw::Lifetime, |t| {
        t.claim("exp", &at(-60))
    });
    kind.signed("ends before it begins", Flaw::Lifetime, |t| {
        t.claim("nbf", &at(20)).claim("exp", &at(15))
    });
    let mut found = kind.done();
    let mut kind = Kind::new("period", world.shared(), &world.secret);
    kind.signed("a second longer than the issuer may", Flaw::Lifetime, |t| {
        t.claim("exp", &at(3541))
    });
    kind.signed("for ever", Flaw::Lifetime, |t| {
        t.claim("exp", "253402300799")
    });
    kind.signed("since when is not said", Flaw::Missing, |t| {
        t.without("iat")
    });
    kind.signed("without what the issuer requires", Flaw::Missing, |t| {
        t.without("scope")
    });
    kind.signed("null for what it requires", Flaw::Missing, |t| {
        t.claim("scope", "null")
    });
    found.extend(kind.done());
    found
}

fn audiences(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("aud", world.rsa(), &world.rsa);
    for literal in [
        "\"elsewhere\"",
        "\"\"",
        "\"payflow \"",
        "\"Payflow\"",
        "\"payflow/admin\"",
        "\"payflo\"",
        "\"payflow,elsewhere\"",
        "\"*\"",
        "null",
        "1",
        "true",
        "{}",
        r#"{"payflow":1}"#,
        "[]",
        "[null]",
        "[\"\"]",
        r#"["elsewhere","nowhere"]"#,
        r#"[["payflow"]]"#,
        r#"["payflow",1]"#,
        r#"["payflow",null]"#,
        r#"["payflow",["x"]]"#,
        r#"[{"aud":"payflow"}]"#,
    ] {
        kind.signed(literal, Flaw::Audience, |token| token.claim("aud", literal));
    }
    kind.signed("missing", Flaw::Missing, |token| token.without("aud"));
    kind.done()
}

fn issuers(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("iss", world.rsa(), &world.rsa);
    for literal in [
        "\"https://thief.example\"",
        "\"https://keys.example/\"",
        "\"https://KEYS.example\"",
        "\"http://keys.example\"",
        "\"https://keys.example@thief.example\"",
        "\"https://keys.example\\u0000\"",
        "\" https://keys.example\"",
        "\"keys\"",
        "\"\"",
        "null",
        "1",
        r#"["https://keys.example"]"#,
        r#"{"https://keys.example":1}"#,
    ] {
        kind.signed(literal, Flaw::Issuer, |token| token.claim("iss", literal));
    }
    kind.signed("missing", Flaw::Issuer, |token| token.without("iss"));
    kind.signed("only in the header", Flaw::Issuer, |token| {
        token.without("iss").head("iss", "\"https://keys.example\"")
    });
    kind.done()
}

fn members(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("member", world.rsa(), &world.rsa);
    let long = format!("\"{}\"", "m".repeat(65));
    for literal in [
        "\"\"",
        "null",
        "1",
        "true",
        "{}",
        r#"["member-1"]"#,
        "\"member 1\"",
        "\"member-1\\u0000\"",
        "\"member-1\\n\"",
        "\"\\u202emember-1\"",
        "\"회원-1\"",
        "\"member\u{2011}1\"",
        long.as_str(),
    ] {
        let shown: String = literal.chars().take(20).collect();
        kind.signed(&shown, Flaw::Member, |token| token.claim("sub", literal));
    }
    kind.signed("missing", Flaw::Member, |token| token.without("sub"));
    kind.signed("under another claim", Flaw::Member, |token| {
        token.without("sub").claim("member_id", "\"member-1\"")
    });
    kind.done()
}

fn merchants(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("merchant", world.rsa(), &world.rsa);
    let own = world.merchant.to_string();
    let payment = format!("\"{}\"", own.replace("mer_", "pay_"));
    let bare = format!("\"{}\"", own.replace("mer_", ""));
    let list = format!("[\"{own}\"]");
    let tail = format!("\"{own}x\"");
    for literal in [
        "\"\"", "null", "1", "\"*\"", "\"mer_\"", &payment, &bare, &list, &tail,
    ] {
        kind.signed(literal, Flaw::Merchant, |token| {
            token.claim("merchant", literal)
        });
    }
    kind.signed("missing", Flaw::Merchant, |token| token.without("merchant"));
    kind.signed("only in the header", Flaw::Merchant, |token| {
        let literal = quoted(world.merchant);
        token.without("merchant").head("merchant", &literal)
    });
    kind.done()
}
