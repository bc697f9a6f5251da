-- Up to $2 payments that are held because nothing confirmed their price, came with an order of Razorpay's, and were not asked about for
-- an hour; never asked first, then those asked longest ago. The case has the order of the signed message; the row's metadata may be
-- the buyer's. Costs the open cases.
SELECT k.id AS case_id, y.id AS payment_id, k.details ->> 'orderId' AS "order_id!", y.amount_cents, y.currency
FROM payment_cases k
JOIN payments y ON y.id = k.payment_id AND y.status = 'succeeded' AND y.provider = 'razorpay'
CROSS JOIN LATERAL (SELECT (k.details ->> 'orderAskedAt')::timestamptz AS at) asked
WHERE k.status = 'open' AND k.kind = 'unpriced_payment' AND k.details ->> 'orderId' IS NOT NULL
  AND (asked.at IS NULL OR asked.at < $1::timestamptz - interval '1 hour')
ORDER BY asked.at NULLS FIRST, k.opened_at, k.id
LIMIT $2
