-- What was paid of one order ($5) for a payment ($1) in other parts than $2, in its currency ($3), less what went back of each; under
-- which of them an open case waits for the rest; whether this one is known; and whether a person, not a program ($4), decided about one
-- of their cases.
WITH parts AS MATERIALIZED (
  SELECT t.provider_payment_id, t.amount_minor, t.currency FROM payment_parts t WHERE t.payment_id = $1 AND t.order_id = $5
), cases AS MATERIALIZED (
  SELECT k.id, k.subject, k.status, k.resolved_by, k.opened_at FROM payment_cases k
  WHERE k.payment_id = $1 AND k.kind IN ('amount_mismatch', 'unpriced_payment')
    AND k.subject IN (SELECT p.provider_payment_id FROM parts p)
)
SELECT coalesce(sum(greatest(0, t.amount_minor - r.back)) FILTER (WHERE t.provider_payment_id <> $2 AND t.currency = $3), 0)::bigint
         AS "others_minor!",
       coalesce(bool_or(t.provider_payment_id = $2), false) AS "has_own!",
       (SELECT c.subject FROM cases c WHERE c.status = 'open' ORDER BY c.opened_at, c.id LIMIT 1) AS waits_as,
       EXISTS (SELECT FROM cases c WHERE c.status = 'resolved' AND coalesce(c.resolved_by, '') <> ALL ($4::text[])) AS "is_decided!"
FROM parts t
CROSS JOIN LATERAL (SELECT coalesce(sum(f.amount_minor), 0) AS back FROM refunds f
                    WHERE f.provider_payment_id = t.provider_payment_id AND f.status = 'processed') r
