//! Signatures that are cut, turned, swapped or made up.

use application::ports::identity::Flaw;

use crate::jwt::forge::{Issued, Signer, encoded};
use crate::jwt::world::World;
use crate::jwt::{Kind, Vector};

pub(crate) fn vectors(world: &World) -> Vec<Vector> {
    let mut found = Vec::new();
    for (name, good, signer) in [
        ("RS256", world.rsa(), &world.rsa),
        ("ES256", world.ec(), &world.ec),
        ("EdDSA", world.ed(), &world.ed),
        ("HS256", world.shared(), &world.secret),
    ] {
        found.extend(broken(name, &good, signer));
    }
    found.extend(curves(world));
    found
}

fn message(token: &Issued) -> String {
    format!("{}.{}", token.head_part(), token.claims_part())
}

fn broken(name: &'static str, good: &Issued, signer: &Signer) -> Vec<Vector> {
    let mut kind = Kind::new(name, good.clone(), signer);
    let message = message(good);
    let signature = signer.signature(message.as_bytes());
    let flipped = |place: usize| {
        let mut signature = signature.clone();
        signature[place] ^= 1;
        signature
    };
    let length = signature.len();
    for (title, signature) in [
        ("no byte of it", Vec::new()),
        ("one byte", vec![0]),
        ("the first bit turned", flipped(0)),
        ("a bit in the middle turned", flipped(length / 2)),
        ("the last bit turned", flipped(length - 1)),
        ("a byte too few", signature[..length - 1].to_vec()),
        ("half of it", signature[..length / 2].to_vec()),
        ("a byte too many", [signature.as_slice(), &[0]].concat()),
        ("a byte before", [&[0], signature.as_slice()].concat()),
        (
            "twice",
            [signature.as_slice(), signature.as_slice()].concat(),
        ),
        ("backwards", signature.iter().rev().copied().collect()),
        ("zeros", vec![0; length]),
        ("ones", vec![0xff; length]),
    ] {
        let text = format!("{message}.{}", encoded(signature));
        kind.text(title, text, Flaw::Signature);
    }
    let other = good.clone().claim("sub", "\"member-2\"");
    let swapped = format!("{}.{}", self::message(&other), encoded(&signature));
    kind.text("over other claims", swapped, Flaw::Signature);
    let other = good.clone().head("extra", "1");
    let swapped = format!("{}.{}", self::message(&other), encoded(&signature));
    kind.text("over another header", swapped, Flaw::Signature);
    let alone = signer.signature(good.claims_part().as_bytes());
    let alone = format!("{message}.{}", encoded(alone));
    kind.text("over the claims alone", alone, Flaw::Signature);
    kind.done()
}

/// What elliptic curves have of their own.
fn curves(world: &World) -> Vec<Vector> {
    let mut kind = Kind::new("curve", world.ec(), &world.ec);
    let message = message(&world.ec());
    let fixed = world.ec.signature(message.as_bytes());
    let (r, s) = fixed.split_at(32);
    // The order of P-256: as good as zero.
    let order = [
        0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xbc,
        0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51,
    ];
    let (zero, one) = ([0; 32], [[0; 31].as_slice(), &[1]].concat());
    for (name, signature) in [
        ("r zero", [&zero, s].concat()),
        ("s zero", [r, &zero].concat()),
        ("r the order", [&order, s].concat()),
        ("s the order", [r, &order].concat()),
        ("both the order", [order, order].concat()),
        ("both one", [one.as_slice(), &one].concat()),
        ("swapped", [s, r].concat()),
        ("as DER", der(r, s)),
        ("r alone", r.to_vec()),
    ] {
        kind.text(
            name,
            format!("{message}.{}", encoded(signature)),
            Flaw::Signature,
        );
    }
    let mut found = kind.done();
    let mut kind = Kind::new("curve", world.ed(), &world.ed);
    let message = self::message(&world.ed());
    let signature = world.ed.signature(message.as_bytes());
    let other = format!("{message}.{}", encoded(with_order_added(&signature)));
    kind.text("s of Ed25519 with the order added", other, Flaw::Signature);
    found.extend(kind.done());
    found
}

/// `SEQUENCE { INTEGER r, INTEGER s }`, which other tools write.
fn der(r: &[u8], s: &[u8]) -> Vec<u8> {
    let integer = |value: &[u8]| {
        let mut bytes: Vec<u8> = value
            .iter()
            .copied()
            .skip_while(|byte| *byte == 0)
            .collect();
        if bytes.first().is_some_and(|byte| *byte >= 0x80) {
            bytes.insert(0, 0);
        }
        let length = u8::try_from(bytes.len()).expect("short");
        [&[2, length], bytes.as_slice()].concat()
    };
    let both = [integer(r), integer(s)].concat();
    let length = u8::try_from(both.len()).expect("short");
    [&[0x30, length], both.as_slice()].concat()
}

/// The same signature to whoever does not look whether `s` is reduced (RFC 8032 §5.1.7).
fn with_order_added(signature: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde,
        0x14, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10,
    ];
    let mut sum = signature.to_vec();
    let mut carry = 0_u16;
    for (byte, order) in sum[32..].iter_mut().zip(ORDER) {
        let total = u16::from(*byte) + u16::from(order) + carry;
        [*byte, _] = total.to_le_bytes();
        carry = total >> 8;
    }
    sum
}
