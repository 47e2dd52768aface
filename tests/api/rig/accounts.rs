//! Owns the virtual accounts of the scripted gateway.

use application::ports::gateway::AccountWish;
use domain::snapshot::{Snapshot, Status};
use domain::virtual_account::{Concealed, ShownAccount};

/// The payment as it is while it waits for its deposit.
pub(super) fn waiting(snapshot: Snapshot, wish: &AccountWish) -> Snapshot {
    Snapshot {
        status: Status::WaitingForDeposit,
        approved_at: None,
        method: Some("가상계좌".to_owned()),
        account: Some(Box::new(ShownAccount {
            bank: wish.bank.clone(),
            number: Concealed::new("X6505636518308"),
            holder: Some(Concealed::new(wish.customer_name.as_str())),
            due_at: wish.due_at,
            secret: Some(Concealed::new("ps_deposit")),
            refund: None,
            sealed: None,
        })),
        ..snapshot
    }
}
