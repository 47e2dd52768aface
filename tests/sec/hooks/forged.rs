//! Owns messages that are almost Payflow's.

use application::ports::Clock as _;
use aws_lc_rs::hmac::{self, HMAC_SHA256, Key};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use payflow::adapters::clock::Wall;
use reqwest::RequestBuilder;
use serde_json::json;

const HEADERS: [&str; 3] = ["webhook-id", "webhook-timestamp", "webhook-signature"];

/// A message as it would come.
#[derive(Clone)]
pub(super) struct Message {
    headers: Vec<(&'static str, String)>,
    body: String,
}

/// What is done to a header.
type Change<'a> = &'a dyn Fn(&str) -> String;

/// A message, and what is wrong with it.
pub(super) type Forgery = (String, Message);

impl Message {
    /// As Payflow would send it.
    pub(super) fn right(secret: &str, id: &str) -> Self {
        Self::signed(secret, id, &now().to_string(), &event(id))
    }

    fn signed(secret: &str, id: &str, timestamp: &str, body: &str) -> Self {
        Self {
            headers: vec![
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", timestamp.to_owned()),
                ("webhook-signature", sign(secret, id, timestamp, body)),
            ],
            body: body.to_owned(),
        }
    }

    fn with(&self, name: &str, change: impl Fn(&str) -> String) -> Self {
        let mut changed = self.clone();
        for (known, value) in &mut changed.headers {
            if *known == name {
                *value = change(value);
            }
        }
        changed
    }

    fn without(&self, name: &str) -> Self {
        let mut changed = self.clone();
        changed.headers.retain(|(known, _)| *known != name);
        changed
    }

    fn twice(&self, name: &str) -> Self {
        let mut changed = self.clone();
        let again = self.headers.iter().filter(|(known, _)| *known == name);
        changed.headers.extend(again.cloned());
        changed
    }

    fn bearing(&self, body: String) -> Self {
        Self {
            body,
            ..self.clone()
        }
    }

    /// The request that brings it.
    pub(super) fn sent(&self, request: RequestBuilder) -> RequestBuilder {
        let headers = self.headers.iter();
        headers.fold(request.body(self.body.clone()), |request, (name, value)| {
            request.header(*name, value)
        })
    }
}

fn now() -> i64 {
    Wall::default().now().timestamp()
}

fn event(id: &str) -> String {
    let (payment, sequence) = id.rsplit_once('-').unwrap();
    let sequence: i64 = sequence.parse().unwrap();
    let payload = json!({ "orderId": "nobody", "amount": 100, "currency": "KRW", "balance": 100 });
    let data = json!({ "eventId": id, "paymentId": payment, "sequence": sequence, "to": "DONE",
                       "payload": payload });
    json!({ "type": "payment.approved", "data": data }).to_string()
}

fn sign(secret: &str, id: &str, timestamp: &str, body: &str) -> String {
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap());
    let signed = format!("{id}.{timestamp}.{body}");
    let tag = hmac::sign(&Key::new(HMAC_SHA256, &bytes.unwrap()), signed.as_bytes());
    format!("v1,{}", STANDARD.encode(tag))
}

/// Everything that is almost a message of Payflow's.
pub(super) fn forgeries(secret: &str, other: &str, id: &str) -> Vec<Forgery> {
    let right = Message::right(secret, id);
    let signed = signed_by_others(&right, (secret, other), id);
    let all = [
        with_other_heads(&right),
        at_other_times(secret, id),
        with_odd_signatures(&right),
        signed,
        with_other_bodies(&right, secret, id),
    ];
    all.concat()
}

fn with_other_heads(right: &Message) -> Vec<Forgery> {
    let mut all = Vec::new();
    for name in HEADERS {
        let empty = right.with(name, |_| String::new());
        all.push((format!("no {name}"), right.without(name)));
        all.push((format!("{name} twice"), right.twice(name)));
        all.push((format!("an empty {name}"), empty));
    }
    for odd in ["pay_2-1", "pay_1.1", "pay_1 1", "../pay_1-1"] {
        let named = right.with("webhook-id", |_| odd.to_owned());
        all.push((format!("named {odd}"), named));
    }
    let later = right.with("webhook-timestamp", |_| (now() + 1).to_string());
    all.push(("another time than was signed".to_owned(), later));
    all
}

fn at_other_times(secret: &str, id: &str) -> Vec<Forgery> {
    let away = [-86_400, -3_600, -310, 310, 3_600, 86_400];
    let away = away.map(|seconds| (now() + seconds).to_string());
    let odd = [
        "0",
        "-1",
        "now",
        "1e9",
        "0x1",
        "9223372036854775808",
        "+1763740800",
    ];
    let at = |timestamp: &str| {
        let message = Message::signed(secret, id, timestamp, &event(id));
        (format!("signed at {timestamp}"), message)
    };
    let away = away.iter().map(|timestamp| at(timestamp));
    away.chain(odd.map(at)).collect()
}

fn with_odd_signatures(right: &Message) -> Vec<Forgery> {
    let tag = |value: &str| value.strip_prefix("v1,").unwrap().to_owned();
    let odd: [(&str, Change<'_>); 13] = [
        ("no version", &tag),
        ("of version 2", &|value| format!("v2,{}", tag(value))),
        ("of version V1", &|value| format!("V1,{}", tag(value))),
        ("of version v1a", &|value| format!("v1a,{}", tag(value))),
        ("of version v1 twice", &|value| format!("v1,{value}")),
        ("without a comma", &|value| value.replace(',', ";")),
        ("cut", &|value| value.chars().take(30).collect()),
        ("longer", &|value| format!("{value}AAAA")),
        ("without padding", &|value| value.replace('=', "")),
        ("in small letters", &str::to_lowercase),
        ("of zeros", &|_| format!("v1,{}", STANDARD.encode([0; 32]))),
        ("turned round", &|value| {
            format!("v1,{}", tag(value).chars().rev().collect::<String>())
        }),
        ("behind too many others", &|value| {
            format!("{}{value}", "v1,AAAA ".repeat(9))
        }),
    ];
    let odd = odd.map(|(what, change)| {
        let forged = right.with("webhook-signature", change);
        (format!("a signature {what}"), forged)
    });
    odd.to_vec()
}

fn signed_by_others(right: &Message, secrets: (&str, &str), id: &str) -> Vec<Forgery> {
    let ((secret, other), now, body) = (secrets, now().to_string(), event(id));
    let signatures = [
        ("of another secret", sign(other, id, &now, &body)),
        ("of an empty body", sign(secret, id, &now, "")),
        ("of another id", sign(secret, "pay_1-9", &now, &body)),
        ("of no time", sign(secret, id, "", &body)),
    ];
    let forged = signatures.map(|(what, signature)| {
        let forged = right.with("webhook-signature", |_| signature.clone());
        (format!("a signature {what}"), forged)
    });
    forged.to_vec()
}

fn with_other_bodies(right: &Message, secret: &str, id: &str) -> Vec<Forgery> {
    let body = event(id);
    let altered = [
        String::new(),
        body.replace("100", "1"),
        body.replace("DONE", "CANCELED"),
        body.replace("nobody", "somebody"),
        format!("{body} "),
        format!("\u{feff}{body}"),
        body.replace(',', ", "),
        body.chars().skip(1).collect(),
    ];
    let altered = altered.map(|body| (format!("altered to {body}"), right.bearing(body)));
    let foreign = body.replace("KRW", "USD");
    let nothing = ["{}", "null", "[]", "100", &foreign].map(|body| {
        let message = Message::signed(secret, id, &now().to_string(), body);
        (format!("signed, but no event: {body}"), message)
    });
    altered.into_iter().chain(nothing).collect()
}
