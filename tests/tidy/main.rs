//! The rules about the code itself: sizes, layers, names, and what must have a page or a comment.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "counts lines and columns of this repository's own files"
)]

mod catalogue;
mod config;
mod history;
mod layers;
mod lexer;
mod migrations;
mod programs;
mod secrets;
mod sizes;
mod tree;
mod words;
