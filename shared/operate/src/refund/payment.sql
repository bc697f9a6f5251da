-- A payment for a course ($1), and what of it went back by refunds and lost disputes in its currency.
SELECT y.status, coalesce(y.provider, 'unknown') AS "provider!", y.provider_payment_id, y.currency, y.amount_cents AS paid_minor,
       greatest(f.told_minor, f.minor) AS "given_back_minor!"
FROM payments y
CROSS JOIN LATERAL (
  SELECT coalesce(sum(b.amount_minor), 0)::bigint AS minor, coalesce(max(b.told_minor), 0) AS told_minor
  FROM (SELECT r.amount_minor, r.payment_refunded_minor AS told_minor FROM refunds r
        WHERE (r.payment_id = y.id OR r.provider_payment_id = y.provider_payment_id) AND r.status = 'processed' AND r.currency = y.currency
        UNION ALL
        SELECT d.amount_minor, NULL FROM disputes d
        WHERE (d.payment_id = y.id OR d.provider_payment_id = y.provider_payment_id) AND d.status = 'lost' AND d.currency = y.currency) b) f
WHERE y.id = $1
