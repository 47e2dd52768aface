-- The payments of one round: each READY, with its gateway order and first event, as a merchant's
-- server prepares them. The harness fills in :round, :clients and :each (payments per client).
WITH numbers AS (
    SELECT lpad((:round * 1000000000::bigint + client * 1000000 + n)::text, 34, '0') AS raw
    FROM generate_series(0, :clients - 1) AS client, generate_series(1, :each) AS n
), account AS (
    SELECT id, merchant_id, mode FROM gateway_accounts ORDER BY id LIMIT 1
), prepared AS (
    INSERT INTO payments (
        id, merchant_id, mode, gateway_account_id, order_id, order_name, currency, amount,
        tax_free, kind, created_at, expires_at, status, captured, canceled, version,
        event_sequence, event_hash
    )
    SELECT 'pay_' || raw, account.merchant_id, account.mode, account.id, 'bench-' || raw,
        'harness order', 'KRW', 10000, 0, 'ONE_OFF', now(), now() + interval '1 hour', 'READY', 0,
        0, 1, 1, decode(repeat('ab', 32), 'hex')
    FROM numbers, account
    RETURNING id, merchant_id, mode
), opened AS (
    INSERT INTO gateway_orders (id, payment_id, created_at)
    SELECT 'gwo_' || substr(id, 5), id, now() FROM prepared
)
INSERT INTO events (
    payment_id, sequence, merchant_id, mode, kind, from_status, to_status, actor, reason, trace_id,
    occurred_at, payload, previous_hash, hash
)
SELECT id, 1, merchant_id, mode, 'payment.prepared', NULL, 'READY', 'MERCHANT', NULL,
    repeat('0', 32), now(), convert_to(repeat('x', 90), 'UTF8'), decode(repeat('00', 32), 'hex'),
    decode(repeat('ab', 32), 'hex')
FROM prepared;
