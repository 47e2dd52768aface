//! Owns the markup of paying in to an account: asking for one, and showing it.

use maud::{Markup, html};

use super::token;
use crate::banks::{BANKS, bank_of};
use crate::order::Order;
use crate::payflow::Account;
use crate::web::visitor::Visitor;
use crate::words::Words;

/// The longest name that a form takes.
pub(crate) const HOLDER_CHARS_MAX: usize = 30;

/// The form of bank and name; `hidden` is what else it carries.
pub(super) fn form(visitor: &Visitor, action: &str, hidden: &Markup) -> Markup {
    let words = &Words::of(visitor.language).account;
    html! {
        form.ask method="post" action=(action) {
            (token(visitor))
            (hidden)
            label for="bank" { (words.bank) }
            select #bank name="bank" {
                @for bank in &BANKS {
                    option value=(bank.code) { (bank.name(visitor.language)) }
                }
            }
            label for="holder" { (words.holder) }
            input #holder name="holder" type="text" required maxlength=(HOLDER_CHARS_MAX)
                autocomplete="name" placeholder=(words.holder_hint);
            button.primary #ask-account { (words.ask) }
        }
    }
}

/// The account that an order is to be paid in to.
pub(super) fn shown(visitor: &Visitor, order: &Order) -> Markup {
    let (language, words) = (visitor.language, Words::of(visitor.language));
    let account = order
        .payment
        .as_ref()
        .and_then(|payment| payment.virtual_account.as_ref());
    let words = &words.account;
    html! {
        @if let Some(account) = account {
            dl.account #account {
                dt { (words.bank) }
                dd { (bank_of(&account.bank).map_or(account.bank.as_str(), |b| b.name(language))) }
                dt { (words.number) }
                dd.number { (number(account, words)) }
                @if let Some(holder) = &account.holder { dt { (words.holder) } dd { (holder) } }
                dt { (words.amount) } dd.price { (language.won(order.amount)) }
                dt { (words.due) } dd #due { (language.moment(account.due_at)) }
            }
            p.hint { (words.exact) " " (words.live) }
        } @else {
            p.notice.weak { (words.unknown) }
        }
    }
}

fn number(account: &Account, words: &crate::words::Account) -> Markup {
    html! {
        @if let Some(number) = &account.number {
            span #account-number { (number) }
            button.quiet #copy type="button" hidden data-copy=(number) data-copied=(words.copied) {
                (words.copy)
            }
        } @else { (words.unknown) }
    }
}
