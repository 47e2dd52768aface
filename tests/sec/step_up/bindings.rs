//! Good proofs of something else, and good proofs that are shown in a wrong way.

use crate::rig::{DEVICE, Rig};
use crate::step_up::world::{Asked, Attack, ME, World};

const ELSEWHERE: &str = "device-9876543210";

fn rig(world: &World) -> &Rig {
    &world.rig
}

fn good(world: &World, asked: &Asked) -> String {
    rig(world).members.proof(ME, &asked.challenge)
}

fn device(_: &World, _: &Asked) -> String {
    DEVICE.to_owned()
}

pub(super) fn attacks() -> Vec<Attack> {
    let mut attacks = of_something_else();
    attacks.extend(on_another_device());
    attacks.extend(shown_wrongly());
    attacks
}

fn of_something_else() -> Vec<Attack> {
    vec![
        Attack::proof("of another payment", |world, _| {
            rig(world).members.proof(ME, &world.another.challenge)
        }),
        Attack::proof("of taking money back", |world, _| {
            rig(world).members.proof(ME, &world.canceling.challenge)
        }),
        Attack::proof("of another member", |world, _| {
            let challenge = &world.strangers.challenge;
            rig(world).members.proof("member-2", challenge)
        }),
        Attack::proof("of another member's challenge", |world, _| {
            rig(world).members.proof(ME, &world.strangers.challenge)
        }),
        Attack::proof("by another member", |world, asked| {
            rig(world).members.proof("member-2", &asked.challenge)
        }),
        Attack::proof("by the member in other letters", |world, asked| {
            rig(world).members.proof("MEMBER-1", &asked.challenge)
        }),
        Attack::proof("a member's token", |world, _| rig(world).members.token(ME)),
        Attack::proof(
            "a member's token with the claims of a proof",
            |world, asked| {
                let claims = world.claims(asked);
                let claims = ["nonce", "auth_time"].map(|name| (name, claims[name].clone()));
                rig(world).members.token_with(ME, &claims)
            },
        ),
        Attack::sent("for taking money back", "STEP_UP_PROOF_INVALID")
            .header("device-id", device)
            .header("step-up-proof", good)
            .at(|_, asked| format!("/api/v1/payments/{}/cancel", asked.payment.id))
            .refused("INVALID_REQUEST"),
        Attack::sent("for another payment", "STEP_UP_PROOF_INVALID")
            .header("device-id", device)
            .header("step-up-proof", good)
            .at(|world, _| format!("/api/v1/payments/{}/approve", world.another.payment.id)),
        Attack::sent("for another member's payment", "PAYMENT_NOT_FOUND")
            .header("device-id", device)
            .header("step-up-proof", good)
            .at(|world, _| format!("/api/v1/payments/{}/approve", world.strangers.payment.id)),
    ]
}

fn on_another_device() -> Vec<Attack> {
    let sent = |name, code| Attack::sent(name, code).header("step-up-proof", good);
    vec![
        sent("on no device", "STEP_UP_PROOF_INVALID"),
        sent("on another device", "STEP_UP_PROOF_INVALID")
            .header("device-id", |_, _| ELSEWHERE.to_owned()),
        sent("on a device in other letters", "STEP_UP_PROOF_INVALID")
            .header("device-id", |_, _| DEVICE.to_uppercase()),
        sent("on a longer device", "STEP_UP_PROOF_INVALID")
            .header("device-id", |_, _| format!("{DEVICE}0")),
        sent("on a short device", "DEVICE_ID_MALFORMED")
            .header("device-id", |_, _| "device".to_owned()),
        sent("on a long device", "DEVICE_ID_MALFORMED").header("device-id", |_, _| "d".repeat(129)),
        sent("on an empty device", "DEVICE_ID_MALFORMED").header("device-id", |_, _| String::new()),
        sent("on a device with a space", "DEVICE_ID_MALFORMED")
            .header("device-id", |_, _| "device 0123456789".to_owned()),
        sent("on a device that is no text", "DEVICE_ID_MALFORMED")
            .header("device-id", |_, _| "장치-0123456789abcdef".to_owned()),
        sent("on two devices", "HEADER_REPEATED")
            .header("device-id", device)
            .header("device-id", |_, _| ELSEWHERE.to_owned()),
        sent("on one device twice", "HEADER_REPEATED")
            .header("device-id", device)
            .header("device-id", device),
    ]
}

fn shown_wrongly() -> Vec<Attack> {
    let sent = |name, code| Attack::sent(name, code).header("device-id", device);
    vec![
        sent("not shown", "STEP_UP_REQUIRED"),
        sent("under another name", "STEP_UP_REQUIRED").header("x-step-up-proof", good),
        sent("in the address", "STEP_UP_REQUIRED").at(|world, asked| {
            let (id, proof) = (&asked.payment.id, good(world, asked));
            format!("/api/v1/payments/{id}/approve?step-up-proof={proof}")
        }),
        sent("twice", "HEADER_REPEATED")
            .header("step-up-proof", good)
            .header("step-up-proof", good),
        sent("beside an empty one", "HEADER_REPEATED")
            .header("step-up-proof", good)
            .header("step-up-proof", |_, _| String::new()),
        sent("as a bearer token", "STEP_UP_PROOF_INVALID")
            .header("step-up-proof", |world, asked| {
                format!("Bearer {}", good(world, asked))
            }),
        sent("in quotes", "STEP_UP_PROOF_INVALID").header("step-up-proof", |world, asked| {
            format!("\"{}\"", good(world, asked))
        }),
        sent("two in a list", "STEP_UP_PROOF_INVALID").header("step-up-proof", |world, asked| {
            let proof = good(world, asked);
            format!("{proof}, {proof}")
        }),
    ]
}
