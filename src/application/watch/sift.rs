//! Owns which lines of the gateway's list are about payments of ours that the books lack.

use std::collections::{BTreeMap, BTreeSet};

use domain::id::GatewayOrderId;
use domain::ledger::Movement;
use domain::text::PaymentKey;

use super::{Unwatched, Watched};
use crate::App;
use crate::ports::gateway::{Line, Listed};
use crate::ports::store::{Booked, Sighting};
use crate::upkeep::earlier;

impl App {
    /// Keeps each payment with a line that is not booked. Lines of orders that are not named as
    /// ours are not even looked up; those of another account of this installation, which shares
    /// the credentials, are left to its own watch.
    pub(super) async fn sight(
        &self,
        watched: &Watched<'_>,
        listed: &[Listed],
    ) -> Result<(), Unwatched> {
        // What is younger is about to be booked by whoever moved it, and is read again.
        let young = earlier(watched.now, self.parts.timings.watch_grace);
        let old = listed.iter();
        let old = old.filter(|line| line.at.is_none_or(|at| at <= young));
        let named = |line| order_of(line).map(|order| (line, order));
        let mut ours: Vec<(&Listed, GatewayOrderId)> = old.filter_map(named).collect();
        let orders: BTreeSet<GatewayOrderId> = ours.iter().map(|(_, order)| *order).collect();
        if orders.is_empty() {
            return Ok(());
        }
        let (store, account) = (&self.parts.store, watched.account.id);
        let orders: Vec<GatewayOrderId> = orders.into_iter().collect();
        let own = store.own_orders(account, &orders).await?;
        let own: BTreeSet<GatewayOrderId> = own.into_iter().collect();
        ours.retain(|(_, order)| own.contains(order));
        let keys: BTreeSet<&PaymentKey> = ours.iter().map(|(line, _)| &line.payment_key).collect();
        let keys: Vec<PaymentKey> = keys.into_iter().cloned().collect();
        if keys.is_empty() {
            return Ok(());
        }
        let booked = store.booked(account, &keys).await?;
        let mut found: BTreeMap<&PaymentKey, Sighting> = BTreeMap::new();
        for (line, order) in ours {
            if is_booked(line, &booked) {
                continue;
            }
            let key = &line.payment_key;
            let sighting = found.entry(key).or_insert_with(|| Sighting {
                account,
                key: key.clone(),
                order,
                first_seen_at: watched.now,
                moved_at: None,
                looks: 0,
                verdict: None,
                reported: false,
            });
            sighting.moved_at = sighting.moved_at.max(line.at);
        }
        let found: Vec<Sighting> = found.into_values().collect();
        if !found.is_empty() {
            store.sight(&found).await?;
        }
        Ok(())
    }
}

fn order_of(line: &Listed) -> Option<GatewayOrderId> {
    line.order_id.parse().ok()
}

/// By the name that the gateway gave the movement, whatever the line's status says: it may be the
/// payment's. A capture is booked under its payment key alone. A line that moved nothing matters
/// only where something was booked: a deposit that is gone may be told so.
fn is_booked(line: &Listed, booked: &[Booked]) -> bool {
    let its = booked.iter();
    let its = its.filter(|booked| booked.payment_key == line.payment_key);
    let its: Vec<&Booked> = its.collect();
    let is_taken_back = |booked: &&Booked| {
        let reversal = booked.movement.taken_back_by();
        reversal.is_some_and(|reversal| its.iter().any(|other| other.movement == reversal))
    };
    let named = |booked: &&&Booked| booked.transaction_key.as_ref() == Some(&line.transaction_key);
    // What was booked and taken back since is looked at once more: the bank may never have.
    if its.iter().filter(named).any(is_taken_back) {
        return false;
    }
    if line.line == Line::Nothing && its.is_empty() {
        return true;
    }
    let is_again = its.iter().any(is_taken_back);
    its.iter().any(|booked| {
        named(&booked)
            || match &booked.movement {
                // Of an account that was paid into again, each deposit goes by its own name.
                Movement::Capture => line.line == Line::Capture && !is_again,
                Movement::Cancel(key) => *key == line.transaction_key,
                Movement::Deposit(_) | Movement::Reversal(_) => false,
            }
    })
}
