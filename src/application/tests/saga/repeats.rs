//! Owns somebody who knows of no repeat: in the scripts the store alone tells.

use application::ports::Repeats;
use application::ports::repeats::{Asked, Heard, Reach, Ticket};
use async_trait::async_trait;

pub(crate) struct Forgetful;

#[async_trait]
impl Repeats for Forgetful {
    async fn begin(&self, _: &Asked) -> Heard {
        Heard::Nothing(None)
    }

    async fn end(&self, _: &Asked, _: Ticket, _: Option<&[u8]>) {}

    fn reach(&self) -> Reach {
        Reach::Process
    }
}
