//! Owns the reads of safety switches, and how their turns lie in their rows.

use application::ports::store::{Error, Switches};
use async_trait::async_trait;
use diesel::prelude::*;
use domain::switch::Turn;

use super::connection::Database;
use super::declines::Why;
use super::dialect::{columns, is_newest_turn};
use super::error::corrupt;
use super::schema::switches;
use super::types::{AsInstant, free_text};

/// One turn of a switch.
#[derive(Insertable, Queryable, Selectable)]
#[diesel(table_name = switches)]
pub(super) struct TurnRow {
    operation: String,
    reach: String,
    number: i64,
    paused: bool,
    actor: String,
    who: String,
    why: String,
    turned_at: AsInstant,
}

impl From<&Turn> for TurnRow {
    fn from(turn: &Turn) -> Self {
        Self {
            operation: turn.operation.as_str().to_owned(),
            reach: turn.reach.to_string(),
            number: turn.number,
            paused: turn.paused,
            actor: turn.actor.as_str().to_owned(),
            who: free_text(&turn.who),
            why: free_text(&turn.why),
            turned_at: AsInstant(turn.at),
        }
    }
}

impl TryFrom<TurnRow> for Turn {
    type Error = Error;

    fn try_from(row: TurnRow) -> Result<Self, Error> {
        let id = format!("{}/{}/{}", row.operation, row.reach, row.number);
        let read = move || -> Result<Self, Why> {
            Ok(Self {
                operation: row.operation.parse()?,
                reach: row.reach.parse()?,
                number: row.number,
                paused: row.paused,
                actor: row.actor.parse()?,
                who: row.who,
                why: row.why,
                at: row.turned_at.0,
            })
        };
        read().map_err(corrupt("switches", id))
    }
}

#[async_trait]
impl Switches for Database {
    async fn switches(&self) -> Result<Vec<Turn>, Error> {
        let query = switches::table
            .filter(is_newest_turn())
            .order((switches::operation.asc(), switches::reach.asc()))
            .select(columns::<TurnRow>());
        let rows = self.load::<_, TurnRow>(query).await?;
        rows.into_iter().map(Turn::try_from).collect()
    }

    async fn turns(&self, limit: u32) -> Result<Vec<Turn>, Error> {
        let query = switches::table
            .order((
                switches::turned_at.desc(),
                switches::operation.desc(),
                switches::reach.desc(),
                switches::number.desc(),
            ))
            .limit(limit.into())
            .select(columns::<TurnRow>());
        let rows = self.load::<_, TurnRow>(query).await?;
        rows.into_iter().map(Turn::try_from).collect()
    }
}
