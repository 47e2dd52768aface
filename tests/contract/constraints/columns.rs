//! The columns of every table, by which its valid row is copied.

/// Table and columns.
pub(super) const COLUMNS: [(&str, &str); 32] = [
    ("merchants", "id name created_at status currencies version"),
    (
        "api_keys",
        "id merchant_id mode kind hash created_at prefix name last_used_at expires_at",
    ),
    (
        "gateway_accounts",
        "id merchant_id mode gateway gateway_merchant_id credential_version created_at name \
         status secret_key client_key seeded",
    ),
    (
        "switches",
        "operation reach number paused actor who why turned_at",
    ),
    (
        "settlements",
        "saga_id payment_id verdict evidence settled_by reference occurred_at settled_at \
         contradiction contradicted_at confirmed_by confirmation acknowledged_by acknowledgement \
         acknowledged_at",
    ),
    (
        "proposals",
        "saga_id payment_id verdict evidence proposed_by reference occurred_at proposed_at",
    ),
    (
        "data_keys",
        "id merchant_id master_key_id wrapped created_at",
    ),
    (
        "payments",
        "id merchant_id mode gateway_account_id order_id order_name currency amount tax_free \
         customer_name member_id kind created_at expires_at status saga_id due_at approved_at \
         canceled_at decline_reason decline_class decline_code decline_message payment_key method \
         receipt_url captured canceled cancels version event_sequence event_hash captured_tax_free",
    ),
    ("gateway_orders", "id payment_id created_at"),
    (
        "sagas",
        "id kind merchant_id mode gateway_account_id payment_id payment_key gateway_order_id \
         currency amount tax_free actor reason credential_version trace_id keyed created_at phase \
         n unanswered asks heard heard_reason heard_class heard_code heard_message refundable \
         surprise intent_at asked_at due_at outcome outcome_reason outcome_class outcome_code \
         outcome_message reversal_id version holder lease_until billing_key_id charged_order_id \
         rekeyed_version surprise_currency trace_parent",
    ),
    (
        "billing_keys",
        "id merchant_id mode gateway_account_id member_id customer_key status is_default auth_key \
         billing_key billing_key_index method company last4 issued_at decline_reason decline_class \
         decline_code decline_message n credential_version tries heard wanted_at intent_at due_at \
         created_at version holder lease_until",
    ),
    (
        "entries",
        "merchant_id mode gateway_account_id payment_key movement payment_id saga_id debit credit \
         currency amount transaction_key occurred_at booked_at",
    ),
    (
        "events",
        "payment_id sequence merchant_id mode kind from_status to_status actor reason trace_id \
         occurred_at payload previous_hash hash trace_parent",
    ),
    (
        "idempotency_keys",
        "merchant_id mode member key fingerprint payment_id saga_id patience_until created_at \
         outcome",
    ),
    (
        "issued_keys",
        "merchant_id mode member key expires_at created_at",
    ),
    (
        "step_up_challenges",
        "id merchant_id mode member device_hash payment_id action issued_at expires_at spent_at \
         kept_until",
    ),
    ("watches", "gateway_account_id watched_until due_at"),
    (
        "sightings",
        "gateway_account_id payment_key gateway_order_id first_seen_at due_at looks verdict \
         reported",
    ),
    ("unsequenced", "payment_id sequence"),
    ("feed", "position merchant_id mode payment_id sequence"),
    ("epochs", "number raised_at why"),
    ("leases", "job holder fence until"),
    ("cursors", "reader epoch position"),
    (
        "parked",
        "reader payment_id sequence position reason parked_at asked",
    ),
    (
        "webhook_endpoints",
        "id merchant_id mode url events status secret previous_secret previous_until \
         failing_since version created_at",
    ),
    ("webhook_notes", "endpoint_id version deed actor done_at"),
    (
        "deliveries",
        "endpoint_id subject_id sequence position state tries rung began_at due_at version holder \
         lease_until created_at",
    ),
    (
        "delivery_attempts",
        "endpoint_id subject_id sequence number tried_at took_micros outcome status detail",
    ),
    (
        "hook_tokens",
        "hash gateway_account_id created_at expires_at",
    ),
    (
        "inbox",
        "id gateway_account_id digest kind transmission_id sent_at retried signature body \
         received_at verdict payment_id due_at version holder lease_until",
    ),
    (
        "security_keys",
        "gateway_account_id number security_key created_at expires_at",
    ),
    (
        "hints",
        "payment_id gateway_account_id gateway_order_id claim claimed_key turn asked looks \
         looked_at due_at version holder lease_until",
    ),
];
