//! Owns how many files and connections this process may have open at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What is open besides the clients' connections: databases, gateways, logs.
const RESERVED: u64 = 512;

/// Takes as many as the system lets it have: shells start programs with 1,024, and slow clients
/// alone can be more. Says so where that is not enough.
pub(super) fn raise(connections_max: usize) {
    let granted = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: granted.maximum,
        maximum: granted.maximum,
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => granted.maximum,
        Err(_) => granted.current,
    };
    let wanted = u64::try_from(connections_max)
        .unwrap_or(u64::MAX)
        .saturating_add(RESERVED);
    if let Some(current) = current.filter(|current| *current < wanted) {
        tracing::warn!(
            current,
            wanted,
            "too few open files are allowed for server.connections_max"
        );
    }
}
