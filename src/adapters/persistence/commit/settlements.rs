//! Owns the writes of what people found out about sagas: once for each, and once what is said
//! against it and who dealt with that; before it what they propose to each other.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel::{insert_into, update};
use domain::settlement::Change;

use super::Touched;
use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::dialect::Steady;
use crate::adapters::persistence::schema::{proposals, settlements};
use crate::adapters::persistence::settlements::{ProposalRow, SettlementRow};
use crate::adapters::persistence::types::{AsInstant, free_text};

pub(super) fn statement<'c>(change: &'c Change, mut conn: Connection<'c>) -> Touched<'c> {
    Box::pin(async move {
        match change {
            Change::Insert(settlement) => {
                insert_into(settlements::table)
                    .values(SettlementRow::from(settlement))
                    .execute(&mut conn)
                    .await
            }
            Change::Contradict {
                saga,
                contradiction,
            } => {
                let untouched = settlements::table
                    .find(saga.to_string())
                    .filter(settlements::contradicted_at.is_null());
                let said = (
                    settlements::contradiction.eq(Some(free_text(&contradiction.said))),
                    settlements::contradicted_at.eq(Some(AsInstant(contradiction.at))),
                );
                Steady(update(untouched).set(said)).execute(&mut conn).await
            }
            Change::Acknowledge {
                saga,
                acknowledgement,
            } => {
                let open = settlements::table
                    .find(saga.to_string())
                    .filter(settlements::contradicted_at.is_not_null())
                    .filter(settlements::acknowledged_at.is_null());
                let said = (
                    settlements::acknowledged_by.eq(Some(acknowledgement.by.to_string())),
                    settlements::acknowledgement.eq(Some(acknowledgement.why.to_string())),
                    settlements::acknowledged_at.eq(Some(AsInstant(acknowledgement.at))),
                );
                Steady(update(open).set(said)).execute(&mut conn).await
            }
            Change::Propose(proposal) => {
                insert_into(proposals::table)
                    .values(ProposalRow::from(proposal))
                    .execute(&mut conn)
                    .await
            }
        }
    })
}
