//! Owns what the kernel says about a process: processor time and memory.

use std::fs;

use anyhow::Context as _;

/// Linux shows processor time to programs in hundredths of a second.
const MICROSECONDS_PER_TICK: u64 = 10_000;

/// What a process has used so far.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time, all threads, user and system.
    pub(crate) cpu_microseconds: u64,
    /// Memory it holds now.
    pub(crate) resident_kib: u64,
    /// The most it ever held.
    pub(crate) resident_kib_max: u64,
}

impl Usage {
    /// Reads what `pid` has used.
    pub(crate) fn of(pid: u32) -> anyhow::Result<Self> {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))
            .with_context(|| format!("there is no process {pid}"))?;
        let status = fs::read_to_string(format!("/proc/{pid}/status"))?;
        Ok(Self {
            cpu_microseconds: cpu_microseconds(&stat).context("/proc/PID/stat is unreadable")?,
            resident_kib: kib(&status, "VmRSS:").context("no VmRSS")?,
            resident_kib_max: kib(&status, "VmHWM:").context("no VmHWM")?,
        })
    }
}

fn cpu_microseconds(stat: &str) -> Option<u64> {
    // The name, in parentheses, may hold spaces and parentheses: count from its end.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(
        user.saturating_add(system)
            .saturating_mul(MICROSECONDS_PER_TICK),
    )
}

fn kib(status: &str, label: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(label))?;
    line.split_ascii_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_past_a_name_with_parentheses() {
        let stat = "7 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 1 1 1";
        assert_eq!(cpu_microseconds(stat), Some(3_000_000));
        assert_eq!(cpu_microseconds("7 nothing"), None);
    }

    #[test]
    fn reads_itself() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.resident_kib > 0);
        assert!(usage.resident_kib_max >= usage.resident_kib);
    }
}
