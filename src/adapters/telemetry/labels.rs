//! Owns what the labels of metrics mean, and what bounds each of them: no label names a merchant, a
//! payment or anything else that there are ever more of.

/// A label, and what its values are.
pub const LABELS: &[(&str, &str)] = &[
    (
        "account",
        "the id of a gateway account, of the first 200 that a copy calls; `others` for the rest",
    ),
    (
        "cause",
        "why it has to be given back: another `amount` than was asked for, a `second_capture`, or \
         the payment was `closed`",
    ),
    (
        "change",
        "what was done to an endpoint: `created`, `changed`, `rotated`, `enabled`, `disabled`, \
         `gone`, `dead`, `deleted`",
    ),
    (
        "class",
        "who can mend a decline: `buyer` or `merchant`; `none` where nothing was declined",
    ),
    ("code", "a code of the [catalogue](errors/README.md)"),
    ("from", "a status of a payment; `NONE` before its first"),
    (
        "kind",
        "of a saga: `APPROVAL`, `CANCELLATION`, `CHARGE`, `ACCOUNT_ISSUE`, `ACCOUNT_CLOSE`, \
         `REVERSAL`; of a payment (`payflow_compensation_total`): `ONE_OFF`, `BILLING`, \
         `VIRTUAL_ACCOUNT`",
    ),
    (
        "lease",
        "of a job that one copy does at a time: `sequencer`, or the name of who is told of \
         events: `kafka`, `webhooks`",
    ),
    ("method", "of HTTP; `other` for what is none of its own"),
    (
        "of",
        "`database_authority`, `broker_authority` or `broker_client`: which file of certificates",
    ),
    ("operation", "what a call to the gateway is for"),
    (
        "outcome",
        "what a call to the gateway came to; of a try of a webhook: `taken`, `gone`, `refused`, \
         `unanswered`, `forbidden`, `unmade`",
    ),
    (
        "phase",
        "`CALL`: a call is intended or under way; `ASK`: the outcome is unknown, and is asked for",
    ),
    (
        "pool",
        "`all` connections to PostgreSQL; the `readers` and the `writer` of SQLite",
    ),
    ("reader", "who is told of events: `kafka`, `webhooks`"),
    (
        "result",
        "one word of a short list, which the metric's own line explains",
    ),
    (
        "route",
        "the template of a route; `unmatched` for every other path",
    ),
    (
        "standing",
        "of a cycle: `due`, `late`, `suspended` with its merchant, `charging`, `held` for another \
         card",
    ),
    (
        "state",
        "of connections: `max` that there may be, `open`, `idle`",
    ),
    (
        "status",
        "of HTTP; of cycles (`payflow_billing_cycles_total`) the status that they came to",
    ),
    ("to", "a status of a payment"),
    ("topic", "a topic of the broker; see [kafka.md](kafka.md)"),
    (
        "turn",
        "`opened`, `closed`, or `locked` where credentials are refused",
    ),
    ("type", "a type of event; see [events.md](events.md)"),
    (
        "use",
        "what Redis is asked for: `connect`, `begin`, `end`, `limit`, `ring`, `listen`",
    ),
    (
        "verdict",
        "what a notification turned out to be; see [gateway-webhooks.md](gateway-webhooks.md)",
    ),
];
