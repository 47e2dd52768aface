//! Owns what a gateway is told of a virtual account that it is to issue, and of the buyer's account
//! that a deposit goes back to: secrets in the open, never kept so.

use std::str::FromStr;

use domain::Timestamp;
use domain::principal::UnknownWord;
use domain::text::{CustomerName, OrderName};
use domain::virtual_account::BankCode;

use super::vault::Secret;

/// What the receipt of a deposit is for (`toss-api.md §6.5`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptKind {
    /// A deduction of the buyer's income (소득공제).
    Income,
    /// Proof of a business's expense (지출증빙).
    Expense,
}

impl ReceiptKind {
    /// The word in the API and in what is kept.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Income => "INCOME_DEDUCTION",
            Self::Expense => "EXPENSE_PROOF",
        }
    }
}

impl FromStr for ReceiptKind {
    type Err = UnknownWord;

    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Income, Self::Expense]
            .into_iter()
            .find(|kind| kind.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// A receipt for cash that is issued with the deposit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CashReceipt {
    /// What it is for.
    pub kind: ReceiptKind,
    /// Whose it is: a phone number, or that of a business.
    pub number: Secret,
}

/// The buyer's account that a deposit goes back to (`toss-api.md §6.3`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundAccount {
    /// At which bank.
    pub bank: BankCode,
    /// Its number: digits.
    pub number: Secret,
    /// Whose it is; the gateway compares.
    pub holder: Secret,
}

/// A virtual account as it is asked for, besides what its saga says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountWish {
    /// At which bank.
    pub bank: BankCode,
    /// Until when a deposit is taken; in whole seconds.
    pub due_at: Timestamp,
    /// In whose name.
    pub customer_name: CustomerName,
    /// The receipt, where one is wanted.
    pub receipt: Option<CashReceipt>,
    /// What the buyer reads.
    pub order_name: OrderName,
}
