//! The Payflow binary.
fn main() {}
