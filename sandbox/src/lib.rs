//! `toss-sandbox`: a faithful, fault-injecting stand-in for the Toss Payments API.
//!
//! It keeps a ledger of its own, so that a test can ask a witness what money really moved.

mod api;
mod auth;
mod calls;
mod cards;
mod catalogue;
mod clock;
mod config;
mod controls;
mod courier;
mod error;
mod faults;
mod ids;
mod journal;
mod mailer;
mod objects;
mod operations;
mod rates;
mod redirect;
mod running;
mod sandbox;
mod server;
mod state;
mod store;
mod window;

pub use crate::clock::Clock;
pub use crate::config::{
    CancelSign, CardDiscount, Config, Decline, ErrorData, FailedCharge, OldConfirm,
    OrderIdCharacters, Padding, PaymentOfOrder, PaymentType, RangeEnd, RefundBegins,
    RefundableAmount, RepeatedTid, SECURITY_KEY, SecondApproval, Secret, SecurityKeyForm,
    ServerErrors, SettingError, Settings, Settlements, TaxFreeMismatch, TemporaryError,
    TooManyRequests, Typing, WebhookSuccess, WebhookTargets,
};
pub use crate::error::Error;
pub use crate::running::{Running, start};
