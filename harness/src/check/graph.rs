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
    edge("payment.approved", "IN_PROGRESS", "DONE", GATEWAY),
    edge("payment.declined", "IN_PROGRESS", "READY", GATEWAY),
    edge("payment.aborted", "IN_PROGRESS", "ABORTED", GATEWAY),
    edge("payment.expired", "READY", "EXPIRED", CLOCK),
    edge("payment.wrong_capture_found", SAME, SAME, GATEWAY),
    edge("payment.wrong_capture_reversed", SAME, SAME, GATEWAY),
    edge(
        "payment.partially_canceled",
        "DONE",
        "PARTIAL_CANCELED",
        GATEWAY,
    ),
    edge(
        "payment.partially_canceled",
        "PARTIAL_CANCELED",
        "PARTIAL_CANCELED",
        GATEWAY,
    ),
    edge("payment.canceled", "DONE", "CANCELED", GATEWAY),
    edge("payment.canceled", "CANCEL_REQUESTED", "CANCELED", GATEWAY),
    edge(
        "payment.partially_canceled",
        "CANCEL_REQUESTED",
        "PARTIAL_CANCELED",
        GATEWAY,
    ),
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
    edge("payment.withdrawn", "READY", "CANCELED", BEGINNERS),
    edge("payment.canceled", "PARTIAL_CANCELED", "CANCELED", GATEWAY),
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
