//! Owns the proof that only Payflow's messages are taken: the official vector, and everything else
//! that is almost one.

use super::*;
use crate::payflow::PaymentStatus;

const SECRET: &str = concat!("whsec", "_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
const OTHER: &str = concat!("whsec", "_plJ3nmyCDGBKInavdOK15jsl5hRHVUmN");
const ID: &str = "pay_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3-3";
const NOW: i64 = 1_763_740_800;
const BODY: &str = concat!(
    r#"{"type":"payment.approved","data":{"eventId":"pay_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3-3","#,
    r#""paymentId":"pay_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3","sequence":3,"to":"DONE","#,
    r#""payload":{"orderId":"order-1","amount":15000,"currency":"KRW","balance":15000}}}"#,
);

fn now() -> Timestamp {
    Timestamp::from_timestamp(NOW, 0).unwrap()
}

fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let bytes = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let signed = format!("{id}.{timestamp}.{body}");
    let tag = hmac::sign(&Key::new(HMAC_SHA256, &bytes), signed.as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// A delivery as it may come.
#[derive(Clone)]
struct Delivery {
    headers: Vec<(&'static str, String)>,
    body: String,
}

impl Delivery {
    fn good() -> Self {
        Self::signed(ID, &NOW.to_string(), BODY)
    }

    fn signed(id: &str, timestamp: &str, body: &str) -> Self {
        let headers = vec![
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", timestamp.to_owned()),
            ("webhook-signature", sign(SECRET, id, timestamp, body)),
        ];
        let body = body.to_owned();
        Self { headers, body }
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        for (known, old) in &mut self.headers {
            if *known == name {
                value.clone_into(old);
            }
        }
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(known, _)| *known != name);
        self
    }

    fn twice(mut self, name: &'static str) -> Self {
        let (_, value) = self
            .headers
            .iter()
            .find(|(known, _)| *known == name)
            .unwrap();
        let value = value.clone();
        self.headers.push((name, value));
        self
    }

    fn body(mut self, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self
    }

    fn judged(&self) -> Result<Message, Refused> {
        self.judged_with(SECRET, now())
    }

    fn judged_with(&self, secret: &str, at: Timestamp) -> Result<Message, Refused> {
        let mut headers = HeaderMap::new();
        for (name, value) in &self.headers {
            headers.append(*name, value.parse().unwrap());
        }
        let secrets = [secret.to_owned()];
        verify(&secrets, Headers::of(&headers)?, self.body.as_bytes(), at)
    }
}

#[test]
fn what_payflow_signed_is_taken() {
    let message = Delivery::good().judged().unwrap();
    assert_eq!(message.id, ID);
    let told = message.told.unwrap();
    assert_eq!(
        (told.order.as_str(), told.status),
        ("order-1", PaymentStatus::Done)
    );
    assert_eq!((told.amount, told.refunded), (15_000, Some(0)));
    // To the second on both sides, and among signatures by others.
    for seconds in [NOW - 300, NOW + 300] {
        assert!(
            Delivery::signed(ID, &seconds.to_string(), BODY)
                .judged()
                .is_ok()
        );
    }
    let good = sign(SECRET, ID, &NOW.to_string(), BODY);
    let foreign = sign(OTHER, ID, &NOW.to_string(), BODY);
    for signatures in [
        format!("{foreign} {good}"),
        format!("v1a,ed25519 {good}"),
        format!("{good} {good}"),
        format!(" {good}"),
    ] {
        let delivery = Delivery::good().with("webhook-signature", &signatures);
        assert!(delivery.judged().is_ok(), "{signatures}");
    }
}

#[test]
fn what_is_about_no_payment_is_taken_and_tells_nothing() {
    let id = "whe_0001k5z9v2h8m3n4p5q6r7s8t9v0w1x2y3-4";
    for (kind, rest) in [
        (
            "webhook_endpoint.disabled",
            r#","sequence":4,"status":"DEAD""#,
        ),
        ("something.of_a_later_version", r#","sequence":"four""#),
        ("", ""),
    ] {
        let body = format!(r#"{{"type":"{kind}","data":{{"eventId":"{id}"{rest}}}}}"#);
        let message = Delivery::signed(id, &NOW.to_string(), &body).judged();
        let message = message.unwrap_or_else(|why| panic!("{kind}: {why}"));
        assert_eq!((message.id.as_str(), message.told), (id, None), "{kind}");
        // Nor is it believed of anybody but who signed it, or under another name.
        let renamed = Delivery::signed("whe_1-4", &NOW.to_string(), &body);
        assert_eq!(renamed.judged(), Err(Refused::Body), "{kind}");
        let unsigned = Delivery::good().with("webhook-id", id).body(&body);
        assert_eq!(unsigned.judged(), Err(Refused::Signature), "{kind}");
    }
}

/// The vector that the official libraries are tested with: its body is no message of Payflow's,
/// which is only looked at when the signature is right.
#[test]
fn the_official_vector_is_met() {
    let id = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    let body = r#"{"test": 2432232314}"#;
    let headers = |signature: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", id.parse().unwrap());
        headers.insert("webhook-timestamp", "1614265330".parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        headers
    };
    let at = Timestamp::from_timestamp(1_614_265_330, 0).unwrap();
    let judged = |signature: &str| {
        let headers = headers(signature);
        let secrets = [SECRET.to_owned()];
        verify(
            &secrets,
            Headers::of(&headers).unwrap(),
            body.as_bytes(),
            at,
        )
    };
    let right = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
    assert_eq!(judged(right), Err(Refused::Body));
    assert_eq!(
        judged(&right.replace("g0hM", "g1hM")),
        Err(Refused::Signature)
    );
}

/// The official library signs what the shop takes, and takes what the shop's tests sign.
#[test]
fn the_official_library_and_the_shop_agree() {
    let theirs = standardwebhooks::Webhook::new(SECRET).unwrap();
    let signature = theirs.sign(ID, NOW, BODY.as_bytes()).unwrap();
    let delivery = Delivery::good().with("webhook-signature", &signature);
    assert_eq!(delivery.judged().unwrap().id, ID);
    // Its own vector: the body is no message of Payflow's, which is looked at behind the signature.
    let delivery = Delivery {
        headers: vec![
            ("webhook-id", "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk".to_owned()),
            ("webhook-timestamp", "1649367553".to_owned()),
            (
                "webhook-signature",
                "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=".to_owned(),
            ),
        ],
        body: r#"{"email":"test@example.com","username":"test_user"}"#.to_owned(),
    };
    let secret = concat!("whsec", "_C2FVsBQIhrscChlQIMV+b5sSYspob7oD");
    let at = Timestamp::from_timestamp(1_649_367_553, 0).unwrap();
    assert_eq!(delivery.judged_with(secret, at).err(), Some(Refused::Body));
    let refused = delivery.judged_with(SECRET, at).err();
    assert_eq!(refused, Some(Refused::Signature));
    let stranger = standardwebhooks::Webhook::new(OTHER).unwrap();
    let signature = stranger.sign(ID, NOW, BODY.as_bytes()).unwrap();
    let delivery = Delivery::good().with("webhook-signature", &signature);
    assert_eq!(delivery.judged().err(), Some(Refused::Signature));
    // It has a clock of its own.
    let seconds = crate::clock::now().timestamp();
    let delivery = Delivery::signed(ID, &seconds.to_string(), BODY);
    let mut headers = HeaderMap::new();
    for (name, value) in &delivery.headers {
        headers.append(*name, value.parse().unwrap());
    }
    theirs.verify(BODY.as_bytes(), &headers).unwrap();
    assert!(stranger.verify(BODY.as_bytes(), &headers).is_err());
}

/// A delivery that must be refused, and why.
type Negative = (String, Delivery, Refused);

fn negative(what: &str, delivery: Delivery, why: Refused) -> Negative {
    (what.to_owned(), delivery, why)
}

fn odd_headers() -> Vec<Negative> {
    let mut all = Vec::new();
    for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        let (without, twice) = (Delivery::good().without(name), Delivery::good().twice(name));
        all.push(negative("a header is missing", without, Refused::Headers));
        all.push(negative("a header comes twice", twice, Refused::Headers));
    }
    for id in ["", " ", "pay_1.3", "pay_1/3", "pay_1 3", &"a".repeat(101)] {
        let delivery = Delivery::signed(id, &NOW.to_string(), BODY);
        all.push(negative("an odd id", delivery, Refused::Id));
    }
    let renamed = Delivery::good().with("webhook-id", "pay_other-1");
    all.push(negative("another's id", renamed, Refused::Signature));
    all
}

fn odd_times() -> Vec<Negative> {
    let mut all = Vec::new();
    for timestamp in [
        "",
        " ",
        "now",
        "-1",
        "+1763740800",
        "1763740800.5",
        "1763740800 ",
        "0x1",
        "1e9",
        "99999999999999999999",
        "-9223372036854775808",
    ] {
        let delivery = Delivery::signed(ID, timestamp, BODY);
        all.push(negative("an odd timestamp", delivery, Refused::Timestamp));
    }
    for seconds in [
        NOW - 301,
        NOW + 301,
        0,
        i64::MAX,
        NOW - 86_400,
        NOW + 86_400,
        NOW * 1000,
    ] {
        let delivery = Delivery::signed(ID, &seconds.to_string(), BODY);
        all.push(negative("too old or too new", delivery, Refused::Age));
    }
    let moved = Delivery::good().with("webhook-timestamp", &(NOW + 1).to_string());
    all.push(negative(
        "another time than was signed",
        moved,
        Refused::Signature,
    ));
    all
}

fn odd_signatures() -> Vec<Negative> {
    let now = NOW.to_string();
    let right = sign(SECRET, ID, &now, BODY);
    let tag = right.strip_prefix("v1,").unwrap();
    let other = if tag.starts_with('A') { 'B' } else { 'A' };
    let flipped: String = std::iter::once(other).chain(tag.chars().skip(1)).collect();
    let short: String = tag.chars().take(40).collect();
    let signatures = [
        String::new(),
        "v1,".to_owned(),
        tag.to_owned(),
        format!("v2,{tag}"),
        format!("V1,{tag}"),
        format!("v1a,{tag}"),
        format!("v1;{tag}"),
        format!("v1,v1,{tag}"),
        format!("v1,{flipped}"),
        format!("v1,{short}"),
        format!("v1,{tag}AAAA"),
        format!("v1,{}", tag.trim_end_matches('=')),
        format!("v1,{}", tag.to_lowercase()),
        format!("v1,{right}"),
        right.replace(',', ", "),
        format!("{right},"),
        sign(OTHER, ID, &now, BODY),
        sign(SECRET, ID, "", BODY),
        sign(SECRET, "", &now, BODY),
        sign(SECRET, ID, &now, ""),
        format!("{}{right}", "v1,AAAA ".repeat(8)),
        "v1,AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=".to_owned(),
    ];
    let refused = signatures.iter().map(|signature| {
        let delivery = Delivery::good().with("webhook-signature", signature);
        negative(&format!("signed {signature}"), delivery, Refused::Signature)
    });
    refused.collect()
}

fn odd_bodies() -> Vec<Negative> {
    let cut = BODY.strip_suffix('}').unwrap();
    let altered = [
        String::new(),
        BODY.replace("15000", "1"),
        BODY.replace("DONE", "CANCELED"),
        BODY.replace("order-1", "order-2"),
        format!("{BODY} "),
        format!("\u{feff}{BODY}"),
        BODY.replace(',', ", "),
        cut.to_owned(),
    ];
    let altered = altered.iter().map(|body| {
        let delivery = Delivery::good().body(body);
        negative(&format!("altered to {body}"), delivery, Refused::Signature)
    });
    let signed = [
        "{}".to_owned(),
        "null".to_owned(),
        "[]".to_owned(),
        BODY.replace("2y3-3", "2y3-4"),
        BODY.replace("\"sequence\":3", "\"sequence\":0"),
        BODY.replace("\"sequence\":3", "\"sequence\":3.5"),
        BODY.replace("KRW", "USD"),
        BODY.replace("15000", "\"15000\""),
        format!("{BODY}{}", " ".repeat(20_000)),
    ];
    let signed = signed.iter().map(|body| {
        let delivery = Delivery::signed(ID, &NOW.to_string(), body);
        negative("signed, but no event of ours", delivery, Refused::Body)
    });
    altered.chain(signed).collect()
}

#[test]
fn everything_else_is_refused() {
    let negatives = [odd_headers(), odd_times(), odd_signatures(), odd_bodies()].concat();
    assert!(negatives.len() >= 50, "{}", negatives.len());
    for (what, delivery, why) in negatives {
        assert_eq!(delivery.judged(), Err(why), "{what}");
    }
}

#[test]
fn a_secret_that_is_none_opens_nothing() {
    let headers = {
        let mut headers = HeaderMap::new();
        for (name, value) in Delivery::good().headers {
            headers.insert(name, value.parse().unwrap());
        }
        headers
    };
    let short = format!("whsec_{}", STANDARD.encode([0; 23]));
    for secrets in [
        vec![],
        vec![String::new()],
        vec!["whsec_".to_owned()],
        vec![SECRET.replace("whsec_", "")],
        vec![short],
    ] {
        let headers = Headers::of(&headers).unwrap();
        let judged = verify(&secrets, headers, BODY.as_bytes(), now());
        assert_eq!(judged, Err(Refused::Signature), "{secrets:?}");
    }
}
