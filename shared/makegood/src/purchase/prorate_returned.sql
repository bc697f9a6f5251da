-- What was paid with a payment ($1), what of it is back for good in its currency, and by how many sessions it holds less by now; none where
-- nothing of it is back or was.
SELECT y.amount_cents AS paid_minor, b.minor AS "returned_minor!", r.sessions AS "reduced?"
FROM payments y
CROSS JOIN LATERAL (
  SELECT coalesce(sum(f.amount_minor), 0)::bigint AS minor
  FROM (SELECT amount_minor FROM refunds WHERE payment_id = y.id AND status = 'processed' AND currency = y.currency
        UNION ALL
        SELECT amount_minor FROM disputes WHERE payment_id = y.id AND status = 'lost' AND currency = y.currency) f) b
LEFT JOIN purchase_reductions r ON r.payment_id = y.id
WHERE y.id = $1 AND y.status = 'succeeded' AND (b.minor > 0 OR r.sessions > 0)
