//! Owns the allowed graph of payment statuses: a copy of its own, written from the design.

/// One kind of event: what it may lead from and to, and who may have caused it.
struct Edge {
    kind: &'static str,
    from: &'static str,
    to: &'static str,
    actors: &'static [&'static str],
}

const BEGINNERS: &[&str] = &["MERCHANT", "BUYER", "OPERATOR", "SYSTEM"];
const PAYERS: &[&str] = &["MERCHANT", "BUYER", "SYSTEM"];
const GATEWAY: &[&str] = &["GATEWAY"];
const CLOCK: &[&str] = &["SYSTEM"];

/// No status: before the first event.
const NONE: &str = "";
/// Any status, which stays what it is.
const SAME: &str = "=";

const EDGES: &[Edge] = &[
    edge("payment.prepared", NONE, "READY", BEGINNERS),
    edge("payment.window_reopened", "READY", "READY", PAYERS),
    edge("payment.approval_requested", "READY", "IN_PROGRESS", PAYERS),
    edge("payment.charge_requested", "READY", "IN_PROGRESS", PAYERS),
    edge("payment.billing_failed", SAME, SAME, CLOCK),
    edge("payment.approved", "IN_PROGRESS", "DONE", GATEWAY),
    edge("payment.declined", "IN_PROGRESS", "READY", GATEWAY),
    edge("payment.account_requested", "READY", "IN_PROGRESS", PAYERS),
    edge(
        "payment.account_issued",
        "IN_PROGRESS",
        "WAITING_FOR_DEPOSIT",
        GATEWAY,
    ),
    edge("payment.deposited", "WAITING_FOR_DEPOSIT", "DONE", GATEWAY),
    edge(
        "payment.deposit_reversed",
        "DONE",
        "WAITING_FOR_DEPOSIT",
        GATEWAY,
    ),
    edge(
        "payment.withdrawn",
        "WAITING_FOR_DEPOSIT",
        "CANCELED",
        BEGINNERS,
    ),
    edge("payment.expired", "WAITING_FOR_DEPOSIT", "EXPIRED", CLOCK),
    edge(
        "payment.cancel_requested",
        "WAITING_FOR_DEPOSIT",
        "WAITING_FOR_DEPOSIT",
        BEGINNERS,
    ),
    edge(
        "payment.cancel_refused",
        "WAITING_FOR_DEPOSIT",
        "WAITING_FOR_DEPOSIT",
        GATEWAY,
    ),
    edge("payment.aborted", "IN_PROGRESS", "ABORTED", GATEWAY),
    edge("payment.expired", "READY", "EXPIRED", CLOCK),
    edge("payment.tax_free_differs", "DONE", "DONE", GATEWAY),
    edge("payment.wrong_capture_found", SAME, SAME, GATEWAY),
    edge("payment.wrong_capture_reversed", SAME, SAME, GATEWAY),
    edge("payment.withdrawn", "READY", "CANCELED", BEGINNERS),
    edge(
        "payment.cancel_requested",
        "DONE",
        "CANCEL_REQUESTED",
        BEGINNERS,
    ),
    edge(
        "payment.cancel_requested",
        "PARTIAL_CANCELED",
        "CANCEL_REQUESTED",
        BEGINNERS,
    ),
    edge(
        "payment.cancel_refused",
        "CANCEL_REQUESTED",
        "DONE",
        GATEWAY,
    ),
    edge(
        "payment.cancel_refused",
        "CANCEL_REQUESTED",
        "PARTIAL_CANCELED",
        GATEWAY,
    ),
    edge("payment.refund_completed", "CANCELED", "CANCELED", GATEWAY),
    edge("payment.refund_failed", "CANCELED", "CANCELED", GATEWAY),
    edge(
        "payment.refund_completed",
        "PARTIAL_CANCELED",
        "PARTIAL_CANCELED",
        GATEWAY,
    ),
    edge(
        "payment.refund_failed",
        "PARTIAL_CANCELED",
        "PARTIAL_CANCELED",
        GATEWAY,
    ),
    part("DONE"),
    part("PARTIAL_CANCELED"),
    part("CANCEL_REQUESTED"),
    whole("DONE"),
    whole("PARTIAL_CANCELED"),
    whole("CANCEL_REQUESTED"),
];

const fn edge(
    kind: &'static str,
    from: &'static str,
    to: &'static str,
    actors: &'static [&'static str],
) -> Edge {
    Edge {
        kind,
        from,
        to,
        actors,
    }
}

/// Part of what is held is given back.
const fn part(from: &'static str) -> Edge {
    edge(
        "payment.partially_canceled",
        from,
        "PARTIAL_CANCELED",
        GATEWAY,
    )
}

/// All of what is held is given back.
const fn whole(from: &'static str) -> Edge {
    edge("payment.canceled", from, "CANCELED", GATEWAY)
}

/// Whether such an event may exist.
pub(super) fn allows(kind: &str, from: Option<&str>, to: &str, actor: &str) -> bool {
    EDGES.iter().any(|edge| {
        let moves = if edge.from == SAME {
            from == Some(to)
        } else {
            edge.from == from.unwrap_or(NONE) && edge.to == to
        };
        edge.kind == kind && moves && edge.actors.contains(&actor)
    })
}

#[cfg(test)]
mod tests {
    use super::allows;

    #[test]
    fn refuses_shortcuts_and_strangers() {
        assert!(allows("payment.prepared", None, "READY", "MERCHANT"));
        assert!(allows(
            "payment.approved",
            Some("IN_PROGRESS"),
            "DONE",
            "GATEWAY"
        ));
        assert!(allows(
            "payment.wrong_capture_found",
            Some("DONE"),
            "DONE",
            "GATEWAY"
        ));
        assert!(allows(
            "payment.cancel_refused",
            Some("CANCEL_REQUESTED"),
            "DONE",
            "GATEWAY"
        ));
        assert!(!allows(
            "payment.cancel_requested",
            Some("CANCEL_REQUESTED"),
            "CANCEL_REQUESTED",
            "MERCHANT"
        ));
        assert!(!allows(
            "payment.withdrawn",
            Some("IN_PROGRESS"),
            "CANCELED",
            "MERCHANT"
        ));
        assert!(!allows(
            "payment.approved",
            Some("READY"),
            "DONE",
            "GATEWAY"
        ));
        assert!(!allows(
            "payment.approved",
            Some("IN_PROGRESS"),
            "DONE",
            "MERCHANT"
        ));
        assert!(!allows(
            "payment.prepared",
            Some("READY"),
            "READY",
            "MERCHANT"
        ));
        assert!(!allows(
            "payment.wrong_capture_found",
            None,
            "READY",
            "GATEWAY"
        ));
        assert!(!allows(
            "payment.expired",
            Some("DONE"),
            "EXPIRED",
            "SYSTEM"
        ));
    }
}
