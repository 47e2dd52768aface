//! Owns the meeting of engine and targets: runs the one that the environment names on every input
//! that the engine makes up.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use payflow_fuzz::{Target, named};

/// Which target is run: all of them are in this one program.
const CHOICE: &str = "PAYFLOW_FUZZ_TARGET";

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    #[expect(
        clippy::disallowed_methods,
        reason = "the engine has the arguments for itself"
    )]
    let name = std::env::var(CHOICE).unwrap_or_default();
    let found = named(&name);
    found.unwrap_or_else(|| panic!("{CHOICE}={name:?} names no target"))
});

fuzz_target!(|bytes: &[u8]| (TARGET.run)(bytes));
