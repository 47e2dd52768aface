//! Owns the crash points: named boundaries of the ways of money and of events at which the
//! `payflow-crash` binary kills itself. Without the `crash-points` feature a point compiles to
//! nothing.

/// Every point on the paths of money, in the order they are passed.
#[cfg(feature = "crash-points")]
pub const POINTS: &[&str] = &[
    "prepare.before_commit",
    "prepare.after_commit",
    "approve.before_begin_commit",
    "approve.after_begin_commit",
    "approval.before_call",
    "approval.after_call",
    "approval.before_progress_commit",
    "approval.after_progress_commit",
    "approval.before_ask",
    "approval.after_ask",
    "approval.before_closing_commit",
    "approval.after_closing_commit",
    "approval.before_release",
    "reversal.before_call",
    "reversal.after_call",
    "reversal.before_progress_commit",
    "reversal.after_progress_commit",
    "reversal.before_ask",
    "reversal.after_ask",
    "reversal.before_closing_commit",
    "reversal.after_closing_commit",
    "reversal.before_release",
    "cancel.before_begin_commit",
    "cancel.after_begin_commit",
    "cancellation.before_call",
    "cancellation.after_call",
    "cancellation.before_progress_commit",
    "cancellation.after_progress_commit",
    "cancellation.before_ask",
    "cancellation.after_ask",
    "cancellation.before_closing_commit",
    "cancellation.after_closing_commit",
    "cancellation.before_release",
    "cancel.before_answer",
    "recovery.after_claim",
    "expiry.before_commit",
    "expiry.after_commit",
    "approve.before_answer",
];

/// Every point on the way of a charge with a billing key.
#[cfg(feature = "crash-points")]
pub const CHARGE_POINTS: &[&str] = &[
    "charge.before_begin_commit",
    "charge.after_begin_commit",
    "charge.before_call",
    "charge.after_call",
    "charge.before_progress_commit",
    "charge.after_progress_commit",
    "charge.before_ask",
    "charge.after_ask",
    "charge.before_closing_commit",
    "charge.after_closing_commit",
    "charge.before_release",
    "charge.before_answer",
];

/// Every point on the way of a due cycle to its charge, in the order they are passed.
#[cfg(feature = "crash-points")]
pub const CYCLE_POINTS: &[&str] = &[
    "cycle.after_claim",
    "cycle.before_begin_commit",
    "cycle.after_begin_commit",
];

/// Every point on the way of a stored card: its gateway is asked to make the key, and keeps it.
#[cfg(feature = "crash-points")]
pub const CARD_POINTS: &[&str] = &[
    "card.before_begin_commit",
    "card.after_begin_commit",
    "card.before_call",
    "card.after_call",
    "card.before_closing_commit",
    "card.after_closing_commit",
];

/// Every point on the way of events: of each role, in the order they are passed.
#[cfg(feature = "crash-points")]
pub const EVENT_POINTS: &[&str] = &[
    "sequencer.before_commit",
    "sequencer.after_commit",
    "kafka.before_telling",
    "kafka.after_send",
    "kafka.after_telling",
    "kafka.before_cursor_commit",
    "kafka.after_cursor_commit",
    "webhooks.before_telling",
    "webhooks.after_telling",
    "webhooks.before_cursor_commit",
    "webhooks.after_cursor_commit",
    "delivery.after_claim",
    "delivery.after_send",
    "delivery.after_commit",
];

/// Every point on the way of what gateways tell unasked, in the order they are passed.
#[cfg(feature = "crash-points")]
pub const INBOX_POINTS: &[&str] = &[
    "hook.before_commit",
    "hook.after_commit",
    "inbox.after_claim",
    "inbox.before_sort_commit",
    "inbox.after_sort_commit",
    "hint.after_claim",
    "hint.before_commit",
    "hint.after_commit",
];

/// The bus in one process has the points of every reader, and nobody to take over.
#[cfg(feature = "crash-points")]
const IN_PROCESS: &str = "in-process.";

#[cfg(feature = "crash-points")]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    use rustix::process::{Signal, getpid, kill_process};

    static ARMED: OnceLock<(String, AtomicU32)> = OnceLock::new();

    /// Dies at the `hit`-th time (from 1) that `point` is passed.
    ///
    /// # Errors
    /// There is no such point, `hit` is zero, or one is armed already.
    pub fn arm(point: &str, hit: u32) -> Result<(), String> {
        if !is_listed(point) || hit == 0 {
            return Err(format!("no crash point {point}:{hit}"));
        }
        ARMED
            .set((point.to_owned(), AtomicU32::new(hit)))
            .map_err(|_| "a crash point is armed already".to_owned())
    }

    fn is_listed(point: &str) -> bool {
        let money = [super::POINTS, super::CHARGE_POINTS, super::CYCLE_POINTS];
        let others = [super::CARD_POINTS, super::EVENT_POINTS, super::INBOX_POINTS];
        let mut lists = money.iter().chain(&others);
        lists.any(|points| points.contains(&point))
    }

    /// Passes a point; dies without unwinding or flushing when it is the armed one's hit.
    pub fn pass(point: &str) {
        debug_assert!(
            is_listed(point) || point.starts_with(super::IN_PROCESS),
            "{point} is not listed"
        );
        let Some((armed, hits)) = ARMED.get() else {
            return;
        };
        if armed == point && hits.fetch_sub(1, Ordering::SeqCst) == 1 {
            die();
        }
    }

    /// What cannot be caught, and tells nobody: as the harness, an operator or the kernel kills.
    fn die() -> ! {
        // Only a kernel without signals refuses a process its own; whoever waits for the death
        // takes an abort for something else.
        let _ = kill_process(getpid(), Signal::KILL);
        std::process::abort()
    }
}

#[cfg(feature = "crash-points")]
pub use armed::{arm, pass};

/// Marks a boundary. The point's name is a literal, or the kind of a saga or the name of a
/// reader, and a literal.
macro_rules! crash_point {
    ($name:literal) => {
        #[cfg(feature = "crash-points")]
        $crate::crash::pass($name);
    };
    ($kind:expr, $boundary:literal) => {
        #[cfg(feature = "crash-points")]
        $crate::crash::pass(&format!("{}.{}", $kind.as_str().to_lowercase(), $boundary));
    };
}

pub(crate) use crash_point;
