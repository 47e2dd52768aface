//! Owns the writes of safety switches: turns are added and stay.

use diesel::{QueryResult, insert_into};
use domain::switch::Turn;

use crate::adapters::persistence::connection::{Connection, RunQueryDsl};
use crate::adapters::persistence::schema::switches;
use crate::adapters::persistence::switches::TurnRow;

pub(super) async fn turn(turn: &Turn, mut conn: Connection<'_>) -> QueryResult<usize> {
    let row = TurnRow::from(turn);
    insert_into(switches::table)
        .values(row)
        .execute(&mut conn)
        .await
}
