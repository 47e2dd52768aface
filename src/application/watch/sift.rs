//! Owns which lines of the gateway's list are about payments of ours that the books lack.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use domain::id::GatewayOrderId;
use domain::ledger::Movement;
use domain::text::PaymentKey;

use super::{Unwatched, Watched};
use crate::App;
use crate::ports::gateway::{Line, Listed};
use crate::ports::store::Booked;

/// A payment that the list shows to have moved without our books.
#[derive(Debug)]
pub(super) struct Sighting {
    pub(super) key: PaymentKey,
    pub(super) order: GatewayOrderId,
    /// The oldest of its movements that the books lack.
    pub(super) since: Timestamp,
    /// The newest.
    pub(super) last: Timestamp,
    /// Whether one of them is known to have moved money.
    pub(super) certain: bool,
}

impl App {
    /// Each payment with a line that is not booked, once. Lines of orders that are not named as
    /// ours are not even looked up.
    pub(super) async fn unbooked(
        &self,
        watched: &Watched<'_>,
        listed: &[Listed],
    ) -> Result<Vec<Sighting>, Unwatched> {
        let named = |line| order_of(line).map(|order| (line, order));
        let ours: Vec<(&Listed, GatewayOrderId)> = listed.iter().filter_map(named).collect();
        let keys: BTreeSet<&PaymentKey> = ours.iter().map(|(line, _)| &line.payment_key).collect();
        let keys: Vec<PaymentKey> = keys.into_iter().cloned().collect();
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let booked = self.parts.store.booked(watched.account.id, &keys).await?;
        let booked: BTreeSet<Booked> = booked.into_iter().collect();
        let mut found: BTreeMap<(&PaymentKey, GatewayOrderId), Sighting> = BTreeMap::new();
        for (line, order) in ours {
            if is_booked(line, &booked) {
                continue;
            }
            // Without a date it keeps the place where it is.
            let at = line.at.unwrap_or(watched.begin);
            let key = &line.payment_key;
            let sighting = found.entry((key, order)).or_insert_with(|| Sighting {
                key: key.clone(),
                order,
                since: at,
                last: at,
                certain: false,
            });
            sighting.since = sighting.since.min(at);
            sighting.last = sighting.last.max(at);
            sighting.certain |= line.line != Line::Other;
        }
        Ok(found.into_values().collect())
    }
}

fn order_of(line: &Listed) -> Option<GatewayOrderId> {
    line.order_id.parse().ok()
}

fn is_booked(line: &Listed, booked: &BTreeSet<Booked>) -> bool {
    let has = |movement| {
        booked.contains(&Booked {
            payment_key: line.payment_key.clone(),
            movement,
        })
    };
    match line.line {
        Line::Capture => has(Movement::Capture),
        Line::Cancel | Line::Other => has(Movement::Cancel(line.transaction_key.clone())),
    }
}
