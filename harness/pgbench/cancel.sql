-- What a full cancellation must write at least: the statements of the service's two commits, in its
-- order, with the gateway's time between them. No reads, no HTTP, no rules: the yardstick, not the
-- goal.
\set n :n + 1
\set id :round * 1000000000 + :client_id * 1000000 + :n

-- First commit: what is to be given back is reserved before anybody calls the gateway.
BEGIN;
UPDATE payments
SET status = 'CANCEL_REQUESTED', saga_id = 'sag_c' || lpad(:id::text, 33, '0'), due_at = NULL,
    approved_at = now(), canceled_at = NULL, decline_reason = NULL, decline_class = NULL,
    decline_code = NULL, decline_message = NULL, payment_key = 'tgen_' || lpad(:id::text, 34, '0'),
    method = 'card', receipt_url = NULL, captured = 10000, captured_tax_free = 0, canceled = 0,
    cancels = NULL, version = 4, event_sequence = 4, event_hash = decode(repeat('34', 32), 'hex')
WHERE id = 'pay_' || lpad(:id::text, 34, '0') AND version = 3;
INSERT INTO sagas (
    id, kind, merchant_id, mode, gateway_account_id, payment_id, payment_key, gateway_order_id,
    currency, amount, tax_free, actor, reason, credential_version, trace_id, trace_parent, keyed,
    created_at, phase, n, unanswered, asks, heard, heard_reason, heard_class, heard_code,
    heard_message, refundable, surprise, intent_at, asked_at, due_at, outcome, outcome_reason,
    outcome_class, outcome_code, outcome_message, reversal_id, version, holder, lease_until
)
VALUES (
    'sag_c' || lpad(:id::text, 33, '0'), 'CANCELLATION', :merchant, 'test', :account,
    'pay_' || lpad(:id::text, 34, '0'), 'tgen_' || lpad(:id::text, 34, '0'),
    'gwo_' || lpad(:id::text, 34, '0'), 'KRW', 10000, 0, 'MERCHANT', 'harness', 1,
    repeat('0', 32),
    repeat('0', 19), TRUE, now(), 'CALL', 1, 1, 0, 'NOTHING', NULL, NULL, NULL, NULL, 10000, NULL,
    now(), NULL, now(), NULL, NULL, NULL, NULL, NULL, NULL, 1,
    'wrk_' || lpad(:id::text, 34, '0'), now() + interval '15 seconds'
);
INSERT INTO events (
    payment_id, sequence, merchant_id, mode, kind, from_status, to_status, actor, reason, trace_id,
    trace_parent, occurred_at, payload, previous_hash, hash
)
VALUES (
    'pay_' || lpad(:id::text, 34, '0'), 4, :merchant, 'test', 'payment.cancel_requested',
    'DONE', 'CANCEL_REQUESTED', 'MERCHANT', 'harness', repeat('0', 32),
    repeat('0', 19), now(),
    convert_to(repeat('x', 190), 'UTF8'), decode(repeat('12', 32), 'hex'),
    decode(repeat('34', 32), 'hex')
);
INSERT INTO idempotency_keys (
    merchant_id, mode, member, key, fingerprint, payment_id, saga_id, patience_until, created_at,
    outcome
)
VALUES (
    :merchant, 'test', '', 'cancel-' || lpad(:id::text, 34, '0'), decode(repeat('ef', 32), 'hex'),
    'pay_' || lpad(:id::text, 34, '0'), 'sag_c' || lpad(:id::text, 33, '0'),
    now() + interval '8 seconds', now(), NULL
);
COMMIT;

-- The gateway.
\sleep :pause us

-- Second commit: what was given back is booked and the saga is over, under its fence.
BEGIN;
UPDATE payments
SET status = 'CANCELED', saga_id = NULL, due_at = NULL, approved_at = now(), canceled_at = now(),
    decline_reason = NULL, decline_class = NULL, decline_code = NULL, decline_message = NULL,
    payment_key = 'tgen_' || lpad(:id::text, 34, '0'), method = 'card', receipt_url = NULL,
    captured = 10000, captured_tax_free = 0, canceled = 10000,
    cancels = '[' || repeat('x', 240) || ']', version = 5,
    event_sequence = 5, event_hash = decode(repeat('56', 32), 'hex')
WHERE id = 'pay_' || lpad(:id::text, 34, '0') AND version = 4;
UPDATE sagas
SET phase = 'CLOSED', n = 1, unanswered = 0, asks = 0, heard = 'NOTHING', heard_reason = NULL,
    heard_class = NULL, heard_code = NULL, heard_message = NULL, refundable = 10000,
    surprise = NULL, asked_at = NULL, outcome = 'CANCELED', outcome_reason = NULL,
    outcome_class = NULL, outcome_code = NULL, outcome_message = NULL, reversal_id = NULL,
    version = 2, holder = NULL, lease_until = NULL
WHERE id = 'sag_c' || lpad(:id::text, 33, '0') AND version = 1;
INSERT INTO entries (
    merchant_id, mode, gateway_account_id, payment_key, movement, payment_id, saga_id, debit,
    credit, currency, amount, transaction_key, occurred_at, booked_at
)
VALUES (
    :merchant, 'test', :account, 'tgen_' || lpad(:id::text, 34, '0'),
    -- Apart, so that it is not taken for a variable.
    'cancel:' || 'txrc_' || lpad(:id::text, 34, '0'), 'pay_' || lpad(:id::text, 34, '0'),
    'sag_c' || lpad(:id::text, 33, '0'), 'merchant_payable', 'gateway_receivable', 'KRW',
    10000, 'txrc_' || lpad(:id::text, 34, '0'), now(), now()
);
INSERT INTO events (
    payment_id, sequence, merchant_id, mode, kind, from_status, to_status, actor, reason, trace_id,
    trace_parent, occurred_at, payload, previous_hash, hash
)
VALUES (
    'pay_' || lpad(:id::text, 34, '0'), 5, :merchant, 'test', 'payment.canceled',
    'CANCEL_REQUESTED', 'CANCELED', 'GATEWAY', 'harness', repeat('0', 32),
    repeat('0', 19), now(),
    convert_to(repeat('x', 340), 'UTF8'), decode(repeat('34', 32), 'hex'),
    decode(repeat('56', 32), 'hex')
);
UPDATE idempotency_keys SET outcome = convert_to(repeat('x', 800), 'UTF8')
WHERE saga_id = 'sag_c' || lpad(:id::text, 33, '0') AND outcome IS NULL;
COMMIT;
