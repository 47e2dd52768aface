//! What is thrown at the parsers that read foreign bytes, and what must hold whatever is thrown.
//!
//! A target is a function of bytes that panics when something is wrong. It calls what production
//! calls and compares with rules that are written down here a second time, in other words.
mod answer;
mod card;
mod claims;
mod config;
mod cursor;
mod envelope;
mod environment;
mod hook;
mod input;
mod issuers;
mod jwks;
mod list;
mod origin;
mod request;
mod strict;
mod text;
mod token;
mod vault;
mod wire;

/// A parser, and what throws bytes at it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The folder of its corpus.
    pub name: &'static str,
    /// Panics when a rule does not hold.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 15] = [
    Target {
        name: "answer",
        run: answer::run,
    },
    Target {
        name: "claims",
        run: claims::run,
    },
    Target {
        name: "config",
        run: config::run,
    },
    Target {
        name: "cursor",
        run: cursor::run,
    },
    Target {
        name: "envelope",
        run: envelope::run,
    },
    Target {
        name: "environment",
        run: environment::run,
    },
    Target {
        name: "hook",
        run: hook::run,
    },
    Target {
        name: "jwks",
        run: jwks::run,
    },
    Target {
        name: "list",
        run: list::run,
    },
    Target {
        name: "origin",
        run: origin::run,
    },
    Target {
        name: "request",
        run: request::run,
    },
    Target {
        name: "text",
        run: text::run,
    },
    Target {
        name: "token",
        run: token::run,
    },
    Target {
        name: "vault",
        run: vault::run,
    },
    Target {
        name: "wire",
        run: wire::run,
    },
];

/// The target of this name.
#[must_use]
pub fn named(name: &str) -> Option<Target> {
    TARGETS.into_iter().find(|target| target.name == name)
}
