//! One statement or more for every constraint of the tables of subscriptions.

/// Table and columns.
pub(super) const COLUMNS: [(&str, &str); 6] = [
    (
        "plans",
        "merchant_id mode code kind period currency price tax_free name benefits offered missed \
         dunning_first_seconds dunning_cap_seconds dunning_tries_max card_grace_seconds version \
         created_at",
    ),
    (
        "subscriptions",
        "id merchant_id mode member plan_code billing_key_id anchor zone status paid_until \
         ended_at version created_at",
    ),
    (
        "cycles",
        "subscription_id number merchant_id mode due_at currency amount status next_at declined \
         decline_reason payment_id paid_at version",
    ),
    (
        "cycle_holds",
        "subscription_id number version holder lease_until",
    ),
    (
        "subscription_events",
        "subscription_id sequence merchant_id mode kind from_status to_status cycle payment_id \
         decline_reason actor occurred_at",
    ),
    (
        "member_events",
        "subject sequence merchant_id mode kind from_status to_status actor member occurred_at \
         payload trace_id trace_parent",
    ),
];

/// Name, table, what differs from its valid row.
pub(super) const CHECKS: &str = "\
plans_mode_word | plans | mode = 'prod'
plans_kind_word | plans | kind = 'TRIAL'
plans_period_word | plans | period = 'WEEKLY'
plans_price_parts | plans | price = 0; tax_free = 0
plans_price_parts | plans | tax_free = price + 1
plans_price_parts | plans | tax_free = -1
plans_missed_word | plans | missed = 'CHARGE_NONE'
plans_dunning_counted | plans | dunning_first_seconds = 0
plans_dunning_counted | plans | dunning_cap_seconds = dunning_first_seconds - 1
plans_dunning_counted | plans | dunning_tries_max = 0
plans_dunning_counted | plans | card_grace_seconds = -1
plans_version_counted | plans | version = 0
subscriptions_id_form | subscriptions | id = 'sub_x'
subscriptions_member_size | subscriptions | member = ''
subscriptions_anchor_size | subscriptions | anchor = '2027-01-31'
subscriptions_status_word | subscriptions | status = 'TRIALING'
subscriptions_ended_in_the_end | subscriptions | ended_at = created_at
subscriptions_ended_in_the_end | subscriptions | status = 'EXPIRED'
subscriptions_version_counted | subscriptions | version = 0
cycles_number_counted | cycles | number = 0
cycles_amount_positive | cycles | amount = 0
cycles_status_word | cycles | status = 'OPEN'; next_at = NULL
cycles_next_while_open | cycles | next_at = NULL
cycles_next_while_open | cycles | status = 'VOID'
cycles_paid_by_a_payment | cycles | status = 'PAID'; next_at = NULL
cycles_paid_by_a_payment | cycles | paid_at = due_at
cycles_paid_by_a_payment | cycles | status = 'CHARGING'; next_at = NULL; payment_id = NULL
cycles_declined_counted | cycles | declined = -1
cycles_version_counted | cycles | version = 0
subscription_events_sequence_counted | subscription_events | sequence = 0; from_status = 'PENDING'
subscription_events_from_the_second | subscription_events | from_status = 'PENDING'
subscription_events_from_the_second | subscription_events | sequence = 2
member_events_mode_word | member_events | mode = 'prod'
member_events_sequence_counted | member_events | sequence = 0; from_status = 'ACTIVE'
member_events_from_the_second | member_events | from_status = 'ACTIVE'
member_events_from_the_second | member_events | sequence = 2
";

/// Name, the columns that `SQLite` names, what differs from the table's valid row.
pub(super) const UNIQUE: &str = "\
plans_key | plans.merchant_id, plans.mode, plans.code |
subscriptions_key | subscriptions.id |
cycles_key | cycles.subscription_id, cycles.number | \
status = 'VOID'; next_at = NULL; payment_id = NULL
cycles_one_per_payment | cycles.payment_id | number = 2; status = 'VOID'; next_at = NULL
cycles_one_open | cycles.subscription_id | number = 2; payment_id = NULL
cycle_holds_key | cycle_holds.subscription_id, cycle_holds.number |
subscription_events_key | subscription_events.subscription_id, subscription_events.sequence |
member_events_key | member_events.subject, member_events.sequence |
";

/// Name, table, what differs from its valid row.
pub(super) const FOREIGN: &str = "\
plans_merchant | plans | merchant_id = 'none'
subscriptions_plan | subscriptions | id = substr(id, 1, 37) || 'z'; plan_code = 'none'
cycles_subscription | cycles | subscription_id = 'none'; payment_id = NULL
cycles_payment | cycles | number = 2; status = 'VOID'; next_at = NULL; payment_id = 'none'
subscription_events_subscription | subscription_events | subscription_id = 'none'
";
