-- Up to $2 payments that are held because nothing confirmed their price, came with an order of Razorpay's, and were not asked about for
-- an hour; never asked first, then those asked longest ago. The case has the order of the signed message; the row's metadata may be
-- the buyer's. What was paid is the sum of its parts, where it has some. Costs the open cases.
SELECT k.id AS case_id, y.id AS payment_id, k.details ->> 'orderId' AS "order_id!", coalesce(paid.minor, y.amount_cents) AS "amount_cents!", y.currency
FROM payment_cases k
JOIN payments y ON y.id = k.payment_id AND y.status = 'succeeded' AND y.provider = 'razorpay'
CROSS JOIN LATERAL (SELECT (k.details ->> 'orderAskedAt')::timestamptz AS at) asked
CROSS JOIN LATERAL (SELECT sum(greatest(0, t.amount_minor - r.back))::bigint AS minor FROM payment_parts t
                    CROSS JOIN LATERAL (SELECT coalesce(sum(f.amount_minor), 0) AS back FROM refunds f
                                        WHERE f.provider_payment_id = t.provider_payment_id AND f.status = 'processed') r
                    WHERE t.payment_id = y.id AND t.order_id = k.details ->> 'orderId' AND t.currency = y.currency) paid
WHERE k.status = 'open' AND k.kind = 'unpriced_payment' AND k.details ->> 'orderId' IS NOT NULL
  AND (asked.at IS NULL OR asked.at < $1::timestamptz - interval '1 hour')
ORDER BY asked.at NULLS FIRST, k.opened_at, k.id
LIMIT $2
