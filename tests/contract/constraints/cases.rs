//! One statement or more for every constraint, each wrong in one way only.

use super::accounts;
use super::billing;
use super::columns::COLUMNS;
use super::inbox;
use super::kept::{FOREIGN, POSTGRES_TRIGGERS, TRIGGERS};
use super::subscriptions;

/// What refuses, as far as the databases word it differently.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Check,
    /// With the columns that `SQLite` names.
    Unique(&'static str),
    Foreign,
    Trigger,
    /// For a statement that `SQLite` does not have.
    PostgresTrigger,
}

/// A statement that must be refused by this name.
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    /// The table, and what differs from its valid row; or a whole statement.
    statement: Statement,
}

enum Statement {
    Row {
        table: &'static str,
        differs: &'static str,
    },
    Whole(&'static str),
}

impl Case {
    /// A copy of the table's valid row with what differs.
    pub(super) fn sql(&self, overriding: &str) -> String {
        let (table, differs) = match self.statement {
            Statement::Row { table, differs } => (table, differs),
            Statement::Whole(sql) => return sql.to_owned(),
        };
        let mut known = COLUMNS.iter().chain(&subscriptions::COLUMNS);
        let known = known.find(|(name, _)| *name == table);
        let (_, known) = known.unwrap_or_else(|| panic!("no columns of {table}"));
        let mut values: Vec<(&str, &str)> = known
            .split_whitespace()
            .map(|column| (column, column))
            .collect();
        for pair in differs.split("; ").filter(|pair| !pair.is_empty()) {
            let (column, value) = pair.split_once(" = ").unwrap_or_else(|| panic!("{pair}"));
            match values.iter_mut().find(|(known, _)| *known == column) {
                Some(place) => place.1 = value,
                None => values.push((column, value)),
            }
        }
        let columns: Vec<&str> = values.iter().map(|(column, _)| *column).collect();
        let values: Vec<&str> = values.iter().map(|(_, value)| *value).collect();
        let (columns, values) = (columns.join(", "), values.join(", "));
        format!("INSERT INTO {table} ({columns}) {overriding} SELECT {values} FROM {table}")
    }
}

/// The lines of all of them.
fn lines<const N: usize>(texts: [&'static str; N]) -> impl Iterator<Item = &'static str> {
    texts.into_iter().flat_map(str::lines)
}

/// Every case.
pub(super) fn all() -> impl Iterator<Item = Case> {
    let row = |kind: fn(&'static str) -> Kind| {
        move |line: &'static str| {
            let (name, rest) = line.split_once(" | ").expect("a name");
            let (columns, differs) = rest.split_once(" |").expect("a table");
            let table = columns
                .split('.')
                .next()
                .expect("a table before its column");
            let statement = Statement::Row {
                table,
                differs: differs.trim(),
            };
            Case {
                name,
                kind: kind(columns),
                statement,
            }
        }
    };
    let whole = |kind| {
        move |line: &'static str| {
            let (name, sql) = line.split_once(" | ").expect("a name");
            Case {
                name,
                kind,
                statement: Statement::Whole(sql),
            }
        }
    };
    let checks = lines([
        CHECKS,
        accounts::CHECKS,
        billing::CHECKS,
        inbox::CHECKS,
        subscriptions::CHECKS,
    ]);
    let checks = checks.map(row(|_| Kind::Check));
    let unique = lines([
        UNIQUE,
        billing::UNIQUE,
        inbox::UNIQUE,
        subscriptions::UNIQUE,
    ]);
    let unique = unique.map(row(Kind::Unique));
    let foreign = lines([
        FOREIGN,
        billing::FOREIGN,
        inbox::FOREIGN,
        subscriptions::FOREIGN,
    ]);
    let foreign = foreign.map(row(|_| Kind::Foreign));
    let triggers = TRIGGERS.lines().map(whole(Kind::Trigger));
    let postgres = POSTGRES_TRIGGERS.lines().map(whole(Kind::PostgresTrigger));
    checks
        .chain(unique)
        .chain(foreign)
        .chain(triggers)
        .chain(postgres)
}

/// Name, table, what differs from its valid row.
const CHECKS: &str = "\
merchants_id_form | merchants | id = 'mer_x'
merchants_id_form | merchants | id = 'pay' || substr(id, 4)
merchants_status_word | merchants | status = 'active'
merchants_currencies_set | merchants | currencies = ''
merchants_currencies_set | merchants | currencies = 'USD,KRW'
merchants_currencies_set | merchants | currencies = 'KRW,KRW'
merchants_version_counted | merchants | version = 0
merchants_zone_form | merchants | zone = ''
merchants_zone_form | merchants | zone = 'Asia Seoul'
merchants_zone_form | merchants | zone = id || id
api_keys_id_form | api_keys | id = upper(id)
api_keys_mode_word | api_keys | mode = 'Test'; prefix = ''
api_keys_kind_word | api_keys | kind = 'SECRET'; prefix = ''
api_keys_prefix_form | api_keys | prefix = prefix || 'e'
api_keys_prefix_form | api_keys | prefix = 'pk_test_abcd'
api_keys_prefix_form | api_keys | prefix = 'sk_live_abcd'
api_keys_prefix_form | api_keys | prefix = 'sk'
api_keys_name_given | api_keys | name = ''
api_keys_hash_size | api_keys | hash = substr(hash, 1, 31)
gateway_accounts_id_form | gateway_accounts | id = 'gwa_x'
gateway_accounts_mode_word | gateway_accounts | mode = ''
gateway_accounts_gateway_given | gateway_accounts | gateway = ''
gateway_accounts_merchant_id_given | gateway_accounts | gateway_merchant_id = ''
gateway_accounts_credential_counted | gateway_accounts | credential_version = 0
gateway_accounts_name_size | gateway_accounts | name = id || id || id
gateway_accounts_methods_form | gateway_accounts | methods = 'card'
gateway_accounts_status_word | gateway_accounts | status = 'Active'
gateway_accounts_keys_whole | gateway_accounts | secret_key = (SELECT event_hash FROM payments)
gateway_accounts_keys_whole | gateway_accounts | client_key = (SELECT event_hash FROM payments)
gateway_accounts_seeded_with_keys | gateway_accounts | seeded = TRUE
data_keys_id_form | data_keys | id = 'dek_x'
data_keys_master_key_id_form | data_keys | master_key_id = ''
data_keys_master_key_id_form | data_keys | master_key_id = 'a:b'
data_keys_master_key_id_form | data_keys | master_key_id = id
data_keys_wrapped_size | data_keys | wrapped = substr(wrapped, 1, 60)
feed_position_counted | feed | position = 0; sequence = 9
epochs_number_counted | epochs | number = 0
leases_fence_counted | leases | job = 'another'; fence = 0
cursors_position_counted | cursors | reader = 'another'; position = -1
switches_operation_word | switches | operation = 'refunds'
switches_reach_form | switches | reach = ''
switches_reach_form | switches | reach = 'mer_1/test'
switches_reach_form | switches | reach = (SELECT id FROM merchants) || '/prod'
switches_reach_form | switches | reach = (SELECT id FROM gateway_accounts) || '/test'
switches_number_counted | switches | number = 0
switches_actor_word | switches | actor = 'SYSTEM'
switches_who_size | switches | who = why || why || why || why
switches_why_size | switches | why = ''
settlements_verdict_word | settlements | verdict = 'captured'
settlements_evidence_size | settlements | evidence = ''
settlements_by_size | settlements | settled_by = ''
settlements_contradicted_whole | settlements | contradiction = 'no'; contradicted_at = NULL
settlements_confirmed_whole | settlements | confirmed_by = 'kim'; confirmation = NULL
settlements_confirmation_size | settlements | confirmed_by = 'kim'; confirmation = ''
settlements_confirmed_by_size | settlements | confirmed_by = ''; confirmation = 'seen'
settlements_acknowledged_whole | settlements | acknowledged_by = 'kim'
settlements_acknowledged_whole | settlements | acknowledged_by = 'kim'; acknowledgement = 'why'; \
    acknowledged_at = settled_at
settlements_acknowledgement_size | settlements | contradiction = 'no'; \
    contradicted_at = settled_at; acknowledged_by = 'kim'; acknowledgement = ''; \
    acknowledged_at = settled_at
settlements_acknowledged_by_size | settlements | contradiction = 'no'; \
    contradicted_at = settled_at; acknowledged_by = ''; acknowledgement = 'why'; \
    acknowledged_at = settled_at
proposals_verdict_word | proposals | verdict = 'captured'
proposals_evidence_size | proposals | evidence = ''
proposals_by_size | proposals | proposed_by = ''
payments_id_form | payments | id = id || '0'
payments_mode_word | payments | mode = 'LIVE'
payments_order_id_form | payments | order_id = 'five5'
payments_order_id_form | payments | order_id = 'order 1'
payments_order_name_size | payments | order_name = ''
payments_currency_word | payments | currency = 'krw'
payments_amount_range | payments | amount = 0; tax_free = 0
payments_amount_range | payments | amount = 9007199254740992
payments_tax_free_within | payments | tax_free = -1
payments_tax_free_within | payments | tax_free = amount + 1
payments_customer_name_size | payments | customer_name = ''
payments_member_id_size | payments | member_id = ''
payments_kind_word | payments | kind = 'ONCE'
payments_expiry_later | payments | created_at = expires_at; expires_at = created_at
payments_status_word | payments | status = 'LOST'
payments_saga_while_waiting | payments | saga_id = 'sag_1'
payments_saga_while_waiting | payments | status = 'IN_PROGRESS'
payments_due_while_waiting | payments | due_at = created_at
payments_due_while_waiting | payments | status = 'WAITING_FOR_DEPOSIT'
payments_approved_at_when_captured | payments | approved_at = created_at
payments_approved_at_when_captured | payments | status = 'DONE'; captured = amount; \
    payment_key = 'k'
payments_canceled_at_when_canceled | payments | canceled_at = created_at
payments_canceled_at_when_canceled | payments | status = 'CANCELED'
payments_decline_when_declined | payments | status = 'ABORTED'
payments_decline_when_declined | payments | status = 'EXPIRED'; decline_reason = 'r'; \
    decline_class = 'BUYER'; decline_code = 'c'; decline_message = 'm'
payments_decline_whole | payments | decline_class = 'BUYER'
payments_decline_whole | payments | decline_code = 'c'
payments_decline_whole | payments | decline_message = 'm'
payments_decline_class_word | payments | decline_reason = 'r'; decline_class = 'U'; \
    decline_code = 'c'; decline_message = 'm'
payments_captured_within | payments | captured = amount + 1; canceled = amount + 1; \
    payment_key = 'k'; cancels = '[]'
payments_captured_tax_free_within | payments | captured_tax_free = -1
payments_captured_tax_free_within | payments | status = 'DONE'; approved_at = created_at; \
    captured = 5; payment_key = 'k'; captured_tax_free = 6
payments_canceled_within | payments | status = 'CANCEL_REQUESTED'; saga_id = 'sag_1'; \
    approved_at = created_at; captured = 5; canceled = -1; payment_key = 'k'
payments_cancels_when_canceled | payments | status = 'DONE'; approved_at = created_at; \
    captured = 5; payment_key = 'k'; cancels = '[]'
payments_cancels_when_canceled | payments | status = 'CANCELED'; canceled_at = created_at; \
    captured = 5; canceled = 5; payment_key = 'k'
payments_sums_fit_status | payments | captured = 5; payment_key = 'k'
payments_sums_fit_status | payments | status = 'DONE'; approved_at = created_at
payments_sums_fit_status | payments | status = 'PARTIAL_CANCELED'; approved_at = created_at; \
    captured = 5; payment_key = 'k'
payments_sums_fit_status | payments | status = 'CANCELED'; canceled_at = created_at; \
    captured = 5; canceled = 4; payment_key = 'k'; cancels = '[]'
payments_paid_when_captured | payments | status = 'DONE'; approved_at = created_at; \
    captured = amount
payments_paid_whole | payments | method = 'card'
payments_paid_whole | payments | receipt_url = 'https://receipt'
payments_version_counted | payments | version = 0
payments_event_counted | payments | event_sequence = 0
payments_event_hash_size | payments | event_hash = substr(event_hash, 1, 31)
gateway_orders_id_form | gateway_orders | id = 'gwo_x'
sagas_id_form | sagas | id = 'sag_x'
sagas_kind_word | sagas | kind = 'REFUND'
sagas_mode_word | sagas | mode = 'x'
sagas_payment_key_size | sagas | payment_key = ''
sagas_currency_word | sagas | currency = 'EUR'
sagas_amount_range | sagas | amount = 0
sagas_amount_range | sagas | amount = 9007199254740992
sagas_tax_free_within | sagas | tax_free = -1
sagas_tax_free_within | sagas | tax_free = amount + 1
sagas_actor_word | sagas | actor = 'ROOT'
sagas_credential_counted | sagas | credential_version = 0
sagas_phase_word | sagas | phase = 'OPEN'
sagas_n_counted | sagas | n = 0
sagas_unanswered_counted | sagas | unanswered = -1
sagas_asks_counted | sagas | asks = -1
sagas_heard_word | sagas | heard = 'SILENCE'
sagas_heard_decline_when_refused | sagas | heard = 'REFUSED'
sagas_heard_decline_whole | sagas | heard_class = 'BUYER'
sagas_heard_decline_whole | sagas | heard_code = 'c'
sagas_heard_decline_whole | sagas | heard_message = 'm'
sagas_heard_class_word | sagas | heard = 'REFUSED'; heard_reason = 'r'; heard_class = 'U'; \
    heard_code = 'c'; heard_message = 'm'
sagas_surprise_range | sagas | surprise = -1; surprise_currency = 'KRW'
sagas_surprise_range | sagas | surprise = 9007199254740992; surprise_currency = 'KRW'
sagas_refundable_range | sagas | refundable = -1
sagas_refundable_range | sagas | refundable = 9007199254740992
sagas_outcome_word | sagas | phase = 'CLOSED'; outcome = 'LOST'
sagas_outcome_when_closed | sagas | phase = 'CLOSED'
sagas_outcome_when_closed | sagas | outcome = 'APPROVED'
sagas_outcome_decline_when_declined | sagas | phase = 'CLOSED'; outcome = 'DECLINED'
sagas_outcome_decline_whole | sagas | outcome_class = 'BUYER'
sagas_outcome_decline_whole | sagas | outcome_code = 'c'
sagas_outcome_decline_whole | sagas | outcome_message = 'm'
sagas_outcome_class_word | sagas | phase = 'CLOSED'; outcome = 'DECLINED'; outcome_reason = 'r'; \
    outcome_class = 'U'; outcome_code = 'c'; outcome_message = 'm'
sagas_reversal_when_misfit | sagas | phase = 'CLOSED'; outcome = 'MISFIT'
sagas_reversal_when_misfit | sagas | reversal_id = 'sag_1'
sagas_version_counted | sagas | version = 0
sagas_hold_whole | sagas | holder = 'wrk_1'
sagas_hold_whole | sagas | lease_until = created_at
sagas_hold_while_open | sagas | phase = 'CLOSED'; outcome = 'APPROVED'; holder = 'wrk_1'; \
    lease_until = created_at
entries_mode_word | entries | mode = 'x'
entries_movement_form | entries | movement = 'cancel:'
entries_debit_word | entries | debit = 'cash'
entries_credit_word | entries | credit = 'cash'
entries_two_accounts | entries | debit = credit
entries_currency_word | entries | currency = 'EUR'
entries_amount_range | entries | amount = 0
entries_amount_range | entries | amount = 9007199254740992
events_sequence_counted | events | sequence = 0; from_status = 'READY'
events_mode_word | events | mode = 'x'
events_kind_given | events | kind = ''
events_from_after_first | events | sequence = 2
events_from_after_first | events | from_status = 'READY'
events_actor_word | events | actor = 'ROOT'
events_previous_hash_size | events | previous_hash = substr(hash, 1, 31)
events_hash_size | events | hash = substr(hash, 1, 31)
idempotency_keys_mode_word | idempotency_keys | mode = 'x'
idempotency_keys_key_size | idempotency_keys | key = ''
idempotency_keys_fingerprint_size | idempotency_keys | fingerprint = substr(fingerprint, 1, 31)
idempotency_keys_will_end | idempotency_keys | saga_id = NULL
idempotency_keys_of_a_payment | idempotency_keys | payment_id = NULL
issued_keys_mode_word | issued_keys | mode = 'x'
issued_keys_key_size | issued_keys | key = ''
issued_keys_expiry_later | issued_keys | expires_at = created_at
step_up_challenges_id_form | step_up_challenges | id = 'chl_x'
step_up_challenges_mode_word | step_up_challenges | mode = 'x'
step_up_challenges_member_size | step_up_challenges | member = ''
step_up_challenges_device_size | step_up_challenges | device_hash = substr(device_hash, 1, 31)
step_up_challenges_action_word | step_up_challenges | action = 'APPROVE'
step_up_challenges_expiry_later | step_up_challenges | expires_at = issued_at
step_up_challenges_spent_in_time | step_up_challenges | spent_at = expires_at
step_up_challenges_kept_to_expiry | step_up_challenges | kept_until = issued_at
sightings_looks_counted | sightings | looks = -1
webhook_endpoints_id_form | webhook_endpoints | id = 'whe_x'
webhook_endpoints_mode_word | webhook_endpoints | mode = 'x'
webhook_endpoints_url_size | webhook_endpoints | url = ''
webhook_endpoints_status_word | webhook_endpoints | status = 'enabled'
webhook_endpoints_previous_until | webhook_endpoints | previous_secret = NULL
webhook_endpoints_version_counted | webhook_endpoints | version = 0
webhook_notes_deed_word | webhook_notes | deed = 'created'
webhook_notes_actor_word | webhook_notes | actor = 'ROBOT'
deliveries_state_word | deliveries | state = 'pending'
deliveries_sequence_counted | deliveries | sequence = 0
deliveries_tries_counted | deliveries | rung = -1
deliveries_tries_counted | deliveries | rung = tries + 1
deliveries_version_counted | deliveries | version = 0
deliveries_held_until | deliveries | holder = 'wrk_1'
delivery_attempts_number_counted | delivery_attempts | number = 0
delivery_attempts_took_counted | delivery_attempts | took_micros = -1
delivery_attempts_outcome_word | delivery_attempts | outcome = 'taken'
delivery_attempts_status_size | delivery_attempts | status = 99";

/// Name, the columns as `SQLite` names them, what differs besides.
const UNIQUE: &str = "\
settlements_key | settlements.saga_id |
proposals_key | proposals.saga_id, proposals.proposed_at, proposals.proposed_by |
merchants_key | merchants.id |
api_keys_key | api_keys.id | hash = (SELECT event_hash FROM payments)
api_keys_one_hash | api_keys.hash | id = 'key_' || substr(merchant_id, 5)
gateway_accounts_key | gateway_accounts.id |
data_keys_key | data_keys.id | merchant_id = 'none'
data_keys_one_per_merchant | data_keys.merchant_id | id = 'dek_' || substr(merchant_id, 5)
unsequenced_key | unsequenced.id | id = id
feed_key | feed.position | sequence = 9
feed_one_per_event | feed.payment_id, feed.sequence | position = 9
epochs_key | epochs.number |
leases_key | leases.job |
cursors_key | cursors.reader |
parked_key | parked.reader, parked.payment_id, parked.sequence |
switches_key | switches.operation, switches.reach, switches.number |
payments_key | payments.id | order_id = 'another'
payments_one_per_order | payments.merchant_id, payments.mode, payments.order_id | \
    id = 'pay_' || substr(merchant_id, 5)
gateway_orders_key | gateway_orders.id |
sagas_key | sagas.id | kind = 'REVERSAL'
sagas_one_open | sagas.payment_id | id = 'sag_' || substr(merchant_id, 5)
entries_key | entries.position | position = position; payment_key = 'another'
entries_one_per_movement | entries.gateway_account_id, entries.payment_key, entries.movement | \
    transaction_key = 'another'
entries_one_per_transaction | entries.gateway_account_id, entries.payment_key, \
    entries.transaction_key | movement = 'deposit:2'
events_key | events.payment_id, events.sequence |
idempotency_keys_key | idempotency_keys.merchant_id, idempotency_keys.mode, \
    idempotency_keys.member, idempotency_keys.key | saga_id = 'sag_1'
idempotency_keys_one_per_saga | idempotency_keys.saga_id | key = 'another'
issued_keys_key | issued_keys.merchant_id, issued_keys.mode, issued_keys.member, issued_keys.key |
step_up_challenges_key | step_up_challenges.id |
watches_key | watches.gateway_account_id |
sightings_key | sightings.gateway_account_id, sightings.payment_key |
webhook_endpoints_key | webhook_endpoints.id |
webhook_notes_key | webhook_notes.endpoint_id, webhook_notes.version |
deliveries_key | deliveries.endpoint_id, deliveries.subject_id, deliveries.sequence | position = 9
deliveries_one_per_position | deliveries.endpoint_id, deliveries.position | sequence = 9
delivery_attempts_key | delivery_attempts.endpoint_id, delivery_attempts.subject_id, \
    delivery_attempts.sequence, delivery_attempts.number |";
