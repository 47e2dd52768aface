//! Fault scripts: the real runner and use cases over the store in memory and a gateway that obeys
//! a script, in virtual time. Every path ends with the books equal to the gateway's.

#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first surprise, and its numbers are small"
)]

mod accounts;
mod billing_keys;
mod books;
mod bugs;
mod by_hand;
mod cancellations;
mod charges;
mod closings;
mod cycles;
mod faults;
mod feed;
mod gateway;
mod given;
mod intake;
mod interleavings;
mod judge;
mod left;
mod members;
mod mute;
mod pace;
mod post;
mod races;
mod refunds;
mod repeats;
mod scripts;
mod second_person;
mod settled;
mod store;
mod subscribed;
mod subscriptions;
mod turnstile;
mod two_sagas;
mod watch;
mod webhooks;
mod world;
