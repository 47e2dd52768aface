//! Owns the English words.

use super::{Account, Declines, Notices, Saying, Words};
use crate::language::Language;

const fn saying(heading: &'static str, lead: &'static str) -> Saying {
    Saying { heading, lead }
}

pub(super) const ENGLISH: Words = Words {
    shop: "Haru Goods",
    skip: "Skip to content",
    demo: "A demo shop: nothing is charged or shipped.",
    orders: "Orders",
    plans: "Subscribe",
    own_subscription: "Mine",
    cart: "Cart",
    other_language: Language::Korean,
    other_language_name: "한국어",
    foot: "Payments by Payflow.",

    hero: "A kinder everyday",
    hero_lead: "A few things, chosen slowly, made to be kept.",
    products: "Products",
    back_to_shop: "Browse the shop",

    quantity: "Quantity",
    add: "Add to cart",
    replaces: "The cart holds one thing at a time. This will replace what is in it.",
    delivery: "Delivery",
    delivery_free: "Free",
    returns: "Refunds",
    returns_any: "Any time, in full or in part",

    cart_empty: saying("Your cart is empty", "Find something you like and add it."),
    remove: "Remove",
    more: "One more",
    fewer: "One fewer",
    subtotal: "Subtotal",
    total: "Total",
    place: "Place order",
    place_hint: "You pay on the next page.",

    orders_empty: saying("No orders yet", "Your payments and refunds will be here."),
    order_number: "Order",
    ordered_at: "Ordered",
    paid_at: "Paid",
    method: "Paid with",
    methods: [
        ("카드", "Card"),
        ("간편결제", "Easy pay"),
        ("계좌이체", "Bank transfer"),
        ("휴대폰", "Mobile phone"),
        ("가상계좌", "Virtual account"),
    ],
    receipt: "View receipt",
    summary: "Summary",
    steps: ["Ordered", "Paid", "Confirmed"],

    pay: "Pay",
    pay_hint: "Opens the payment window. The shop never sees your card.",
    pay_opening: "Opening the payment window…",
    pay_unavailable: "The payment window cannot be opened now. Please try again in a moment.",
    no_script: "Please switch on JavaScript to open the payment window.",
    withdraw: "Cancel order",
    refreshes: "This page refreshes by itself.",
    not_again: "Please do not pay again.",
    not_fresh: "The payment service cannot be reached. This is what we last knew.",

    refund: "Refund",
    refund_lead: "All of it or a part, to what you paid with.",
    refund_amount: "Amount to refund",
    refund_part: "Refund a part",
    refund_all: "Refund all",
    refundable: "Can be refunded",
    refunded: "Refunded",
    refunds: "Refunds",
    order_again: "Order again",

    scenes: [
        saying("Waiting for your payment", "Press the button below to pay."),
        saying(
            "Confirming your payment",
            "Waiting for the card company. This takes a few seconds.",
        ),
        saying("Cancelling your order", "One moment, please."),
        saying(
            "Your order is confirmed",
            "The payment went through. Thank you!",
        ),
        saying(
            "Refunding",
            "Waiting for the card company. This takes a few seconds.",
        ),
        saying("Partly refunded", "The rest stays paid."),
        saying(
            "Refunded in full",
            "Everything went back to what you paid with.",
        ),
        saying("Order cancelled", "Nothing was charged."),
        saying(
            "The payment failed",
            "This order cannot be paid any more. Nothing was charged.",
        ),
        saying(
            "Time to pay is over",
            "The order was closed because it was not paid in time.",
        ),
        saying(
            "Getting your account",
            "Waiting for the bank. This takes a few seconds.",
        ),
        saying(
            "Waiting for your transfer",
            "Please transfer to the account below while there is time.",
        ),
        saying(
            "The bank took your transfer back",
            "Nothing is paid, so the order waits again. Transfer to the same account once more.",
        ),
    ],
    chips: [
        "To pay",
        "Confirming",
        "Cancelling",
        "Confirmed",
        "Refunding",
        "Partly refunded",
        "Refunded",
        "Cancelled",
        "Failed",
        "Expired",
        "Getting account",
        "Awaiting transfer",
        "Transfer taken back",
    ],
    account: Account {
        heading: "Pay by bank transfer",
        lead: "To an account that is issued for this order alone.",
        bank: "Bank",
        holder: "Account holder",
        holder_hint: "Your name",
        ask: "Get an account and order",
        number: "Account number",
        copy: "Copy",
        copied: "Copied",
        amount: "Amount to transfer",
        due: "Transfer by",
        exact: "Please transfer exactly this amount.",
        live: "This page changes as soon as it arrives.",
        unknown: "Cannot be told now",
        no_refund: "To have a transfer refunded, please write to us.",
    },
    notices: Notices {
        abandoned: "You closed the payment window. The order is still here, pay whenever you like.",
        refused: "The card company refused. Please try another way to pay.",
        wrong: "What came back does not match the order, so nothing was charged.",
        second: "This order is paid, or about to be. The second payment was not charged.",
        closed: "This order is closed, so the payment was not charged.",
        no_account: "This bank issued no account. Please try another one.",
        refund_refused: "The refund was refused and nothing changed. Please try again later.",
        amount: "Please enter an amount that can be refunded.",
        stale: "The order changed meanwhile. Please look at it and try again.",
        turned_away: "This shop's payments are suspended. Your order goes on once they are not.",
    },
    declines: Declines {
        insufficient_funds: "Not enough balance or limit. Please try another way to pay.",
        limit_exceeded: "Over the payment limit. Please try another way to pay.",
        card_unusable: "This card cannot be used. Please try another one.",
        wrong_details: "The card details do not match. Please check them and try again.",
        session_expired: "The payment window timed out. Please pay again.",
        other: "The payment was declined and nothing was charged. Please try again.",
    },

    not_found: saying(
        "Page not found",
        "It moved, or the order was made in another browser.",
    ),
    forged: saying(
        "Please try again",
        "The page was too old to be acted on. Reload it first.",
    ),
    senseless: saying(
        "That makes no sense to us",
        "Please check what you entered.",
    ),
    broken: saying(
        "Something went wrong",
        "Please try again soon. What you paid is safe.",
    ),
};
