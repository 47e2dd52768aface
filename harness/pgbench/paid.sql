-- The payments of one round as an approval left them: DONE, with the gateway order, the saga, the
-- key, the entry and the events of it. The harness fills in :round, :clients and :each (payments
-- per client).
WITH numbers AS (
    SELECT lpad((:round * 1000000000::bigint + client * 1000000 + n)::text, 34, '0') AS raw
    FROM generate_series(0, :clients - 1) AS client, generate_series(1, :each) AS n
), account AS (
    SELECT id, merchant_id, mode FROM gateway_accounts ORDER BY id LIMIT 1
), paid AS (
    INSERT INTO payments (
        id, merchant_id, mode, gateway_account_id, order_id, order_name, currency, amount,
        tax_free, kind, created_at, expires_at, status, approved_at, payment_key, method, captured,
        canceled, version, event_sequence, event_hash
    )
    SELECT 'pay_' || raw, account.merchant_id, account.mode, account.id, 'bench-' || raw,
        'harness order', 'KRW', 10000, 0, 'ONE_OFF', now(), now() + interval '1 hour', 'DONE',
        now(), 'tgen_' || raw, 'card', 10000, 0, 3, 3, decode(repeat('12', 32), 'hex')
    FROM numbers, account
    RETURNING id, merchant_id, mode, gateway_account_id, substr(id, 5) AS raw
), opened AS (
    INSERT INTO gateway_orders (id, payment_id, created_at)
    SELECT 'gwo_' || raw, id, now() FROM paid
), approved AS (
    INSERT INTO sagas (
        id, kind, merchant_id, mode, gateway_account_id, payment_id, payment_key,
        gateway_order_id, currency, amount, tax_free, actor, credential_version, trace_id, keyed,
        created_at, phase, n, unanswered, asks, heard, refundable, intent_at, due_at, outcome,
        version
    )
    SELECT 'sag_' || raw, 'APPROVAL', merchant_id, mode, gateway_account_id, id, 'tgen_' || raw,
        'gwo_' || raw, 'KRW', 10000, 0, 'MERCHANT', 1, repeat('0', 32), TRUE, now(), 'CLOSED', 1,
        0, 0, 'NOTHING', 0, now(), now(), 'APPROVED', 2
    FROM paid
), keyed AS (
    INSERT INTO idempotency_keys (
        merchant_id, mode, member, key, fingerprint, payment_id, saga_id, patience_until,
        created_at, outcome
    )
    SELECT merchant_id, mode, '', 'bench-' || raw, decode(repeat('ef', 32), 'hex'), id,
        'sag_' || raw, now(), now(), convert_to(repeat('x', 600), 'UTF8')
    FROM paid
), booked AS (
    INSERT INTO entries (
        merchant_id, mode, gateway_account_id, payment_key, movement, payment_id, saga_id, debit,
        credit, currency, amount, transaction_key, occurred_at, booked_at
    )
    SELECT merchant_id, mode, gateway_account_id, 'tgen_' || raw, 'capture', id, 'sag_' || raw,
        'gateway_receivable', 'merchant_payable', 'KRW', 10000, 'txrd_' || raw, now(), now()
    FROM paid
), told (sequence, kind, from_status, to_status, actor, size, previous, hash) AS (
    VALUES (1, 'payment.prepared', NULL, 'READY', 'MERCHANT', 90, '00', 'ab'),
        (2, 'payment.approval_requested', 'READY', 'IN_PROGRESS', 'MERCHANT', 150, 'ab', 'cd'),
        (3, 'payment.approved', 'IN_PROGRESS', 'DONE', 'GATEWAY', 300, 'cd', '12')
)
INSERT INTO events (
    payment_id, sequence, merchant_id, mode, kind, from_status, to_status, actor, reason, trace_id,
    occurred_at, payload, previous_hash, hash
)
SELECT id, sequence, merchant_id, mode, kind, from_status, to_status, actor, NULL,
    repeat('0', 32), now(), convert_to(repeat('x', size), 'UTF8'),
    decode(repeat(previous, 32), 'hex'), decode(repeat(hash, 32), 'hex')
FROM paid, told;
