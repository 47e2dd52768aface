-- What an approval must write at least: the statements of the service's two commits, in its order,
-- with the gateway's time between them. No reads, no HTTP, no rules: the yardstick, not the goal.
\set n :n + 1
\set id :round * 1000000000 + :client_id * 1000000 + :n

-- First commit: the intent is durable before anybody calls the gateway.
BEGIN;
UPDATE payments
SET status = 'IN_PROGRESS', saga_id = 'sag_' || lpad(:id::text, 34, '0'), due_at = NULL,
    approved_at = NULL, canceled_at = NULL, decline_reason = NULL, decline_class = NULL,
    decline_code = NULL, decline_message = NULL, payment_key = NULL, method = NULL,
    receipt_url = NULL, captured = 0, captured_tax_free = 0, canceled = 0, cancels = NULL,
    version = 2, event_sequence = 2,
    event_hash = decode(repeat('cd', 32), 'hex')
WHERE id = 'pay_' || lpad(:id::text, 34, '0') AND version = 1;
INSERT INTO sagas (
    id, kind, merchant_id, mode, gateway_account_id, payment_id, payment_key, gateway_order_id,
    currency, amount, tax_free, actor, reason, credential_version, trace_id, trace_parent, keyed,
    created_at, phase, n, unanswered, asks, heard, heard_reason, heard_class, heard_code,
    heard_message, refundable, surprise, intent_at, asked_at, due_at, outcome, outcome_reason,
    outcome_class, outcome_code, outcome_message, reversal_id, version, holder, lease_until
)
VALUES (
    'sag_' || lpad(:id::text, 34, '0'), 'APPROVAL', :merchant, 'test', :account,
    'pay_' || lpad(:id::text, 34, '0'), 'tgen_' || lpad(:id::text, 34, '0'),
    'gwo_' || lpad(:id::text, 34, '0'), 'KRW', 10000, 0, 'MERCHANT', NULL, 1, repeat('0', 32),
    repeat('0', 19), TRUE,
    now(), 'CALL', 1, 1, 0, 'NOTHING', NULL, NULL, NULL, NULL, 0, NULL, now(), NULL, now(),
    NULL, NULL, NULL, NULL, NULL, NULL, 1, 'wrk_' || lpad(:id::text, 34, '0'),
    now() + interval '15 seconds'
);
INSERT INTO events (
    payment_id, sequence, merchant_id, mode, kind, from_status, to_status, actor, reason, trace_id,
    trace_parent, occurred_at, payload, previous_hash, hash
)
VALUES (
    'pay_' || lpad(:id::text, 34, '0'), 2, :merchant, 'test', 'payment.approval_requested',
    'READY', 'IN_PROGRESS', 'MERCHANT', NULL, repeat('0', 32),
    repeat('0', 19), now(),
    convert_to(repeat('x', 150), 'UTF8'), decode(repeat('ab', 32), 'hex'),
    decode(repeat('cd', 32), 'hex')
);
INSERT INTO idempotency_keys (
    merchant_id, mode, member, key, fingerprint, payment_id, saga_id, patience_until, created_at,
    outcome
)
VALUES (
    :merchant, 'test', '', 'bench-' || lpad(:id::text, 34, '0'), decode(repeat('ef', 32), 'hex'),
    'pay_' || lpad(:id::text, 34, '0'), 'sag_' || lpad(:id::text, 34, '0'),
    now() + interval '8 seconds', now(), NULL
);
COMMIT;

-- The gateway.
\sleep :pause us

-- Second commit: the money is booked and the saga is over, under its fence.
BEGIN;
UPDATE payments
SET status = 'DONE', saga_id = NULL, due_at = NULL, approved_at = now(), canceled_at = NULL,
    decline_reason = NULL, decline_class = NULL, decline_code = NULL, decline_message = NULL,
    payment_key = 'tgen_' || lpad(:id::text, 34, '0'), method = 'card', receipt_url = NULL,
    captured = 10000, captured_tax_free = 0, canceled = 0, cancels = NULL, version = 3,
    event_sequence = 3,
    event_hash = decode(repeat('12', 32), 'hex')
WHERE id = 'pay_' || lpad(:id::text, 34, '0') AND version = 2;
UPDATE sagas
SET phase = 'CLOSED', n = 1, unanswered = 0, asks = 0, heard = 'NOTHING', heard_reason = NULL,
    heard_class = NULL, heard_code = NULL, heard_message = NULL, refundable = 0,
    surprise = NULL, asked_at = NULL, outcome = 'APPROVED', outcome_reason = NULL,
    outcome_class = NULL, outcome_code = NULL, outcome_message = NULL, reversal_id = NULL,
    version = 2, holder = NULL, lease_until = NULL
WHERE id = 'sag_' || lpad(:id::text, 34, '0') AND version = 1;
INSERT INTO entries (
    merchant_id, mode, gateway_account_id, payment_key, movement, payment_id, saga_id, debit,
    credit, currency, amount, transaction_key, occurred_at, booked_at
)
VALUES (
    :merchant, 'test', :account, 'tgen_' || lpad(:id::text, 34, '0'), 'capture',
    'pay_' || lpad(:id::text, 34, '0'), 'sag_' || lpad(:id::text, 34, '0'), 'gateway_receivable',
    'merchant_payable', 'KRW', 10000, 'txrd_' || lpad(:id::text, 34, '0'), now(), now()
);
INSERT INTO events (
    payment_id, sequence, merchant_id, mode, kind, from_status, to_status, actor, reason, trace_id,
    trace_parent, occurred_at, payload, previous_hash, hash
)
VALUES (
    'pay_' || lpad(:id::text, 34, '0'), 3, :merchant, 'test', 'payment.approved', 'IN_PROGRESS',
    'DONE', 'GATEWAY', NULL, repeat('0', 32),
    repeat('0', 19), now(), convert_to(repeat('x', 300), 'UTF8'),
    decode(repeat('cd', 32), 'hex'), decode(repeat('12', 32), 'hex')
);
UPDATE idempotency_keys SET outcome = convert_to(repeat('x', 600), 'UTF8')
WHERE saga_id = 'sag_' || lpad(:id::text, 34, '0') AND outcome IS NULL;
COMMIT;
