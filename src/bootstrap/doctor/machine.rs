//! Owns what is looked at of the machine: room on its disk, and files of certificates.

use std::path::{Path, PathBuf};

use application::ports::Clock as _;
use rustix::fs::statvfs;

use super::Finding;
use crate::adapters::clock::Wall;
use crate::bootstrap::certificates;
use crate::config::Config;

const DISK: &str = "disk";
const MIB: u64 = 1024 * 1024;
/// A database without room for its next page takes no payment.
const FREE_MIN: u64 = 256 * MIB;
/// Time to do something about it.
const FREE_FEW: u64 = 2048 * MIB;
const DAY: i64 = 24 * 60 * 60;
/// Within this a certificate is told of, as the alert does.
const SOON: i64 = 14 * DAY;

/// Where this machine keeps what is kept: an embedded database, or only files of ours.
pub(super) fn disk(config: &Config) -> Finding {
    let file = config.database.url.strip_prefix("sqlite://");
    let folder = match file.map(Path::new).and_then(Path::parent) {
        Some(folder) => folder.to_owned(),
        None => PathBuf::from(&config.files.dir),
    };
    // Of what is not made yet, where it will be.
    let there = folder.ancestors().find(|folder| folder.is_dir());
    let there = there.unwrap_or(Path::new("."));
    let fix = "make room, or move it: files.dir, database.url";
    let found = match statvfs(there) {
        Ok(found) => found,
        Err(error) => return Finding::failed(DISK, error.to_string(), fix),
    };
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    let mebibytes = free.checked_div(MIB).unwrap_or_default();
    let says = format!("{mebibytes} MiB are free at {}", there.display());
    if free < FREE_MIN {
        Finding::failed(DISK, says, fix)
    } else if free < FREE_FEW {
        Finding::warning(DISK, says, fix)
    } else {
        Finding::ok(DISK, says)
    }
}

/// Each file of certificates that the settings name.
pub(super) fn certificates(config: &Config) -> Vec<Finding> {
    const CHECK: &str = "certificates";
    let now = Wall::default().now().timestamp();
    let fix = "put another one there, and restart the copies one after the other";
    let looked = certificates::named(config).into_iter().map(|certified| {
        let end = match certified.end() {
            Ok(end) => end,
            Err(error) => {
                let says = format!("{}: {error}", certified.of);
                return Finding::failed(CHECK, says, "see that the file is there, as PEM");
            }
        };
        let left = end.saturating_sub(now);
        let days = left.checked_div(DAY).unwrap_or_default();
        let says = format!("{}: {days} days are left", certified.of);
        if left <= 0 {
            Finding::failed(CHECK, says, fix)
        } else if left < SOON {
            Finding::warning(CHECK, says, fix)
        } else {
            Finding::ok(CHECK, says)
        }
    });
    let found: Vec<Finding> = looked.collect();
    if found.is_empty() {
        return vec![Finding::skipped(
            CHECK,
            "the settings name no files of certificates",
        )];
    }
    found
}
