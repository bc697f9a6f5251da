-- What was paid of one payment ($1) in other parts than $2, in its currency ($3), less what went back of each; under which of them an
-- open case waits for the rest; whether this one is known; and whether a person, not a program ($4), decided about one of their cases.
SELECT coalesce(sum(greatest(0, t.amount_minor - r.back)) FILTER (WHERE t.provider_payment_id <> $2 AND t.currency = $3), 0)::bigint
         AS "others_minor!",
       coalesce(bool_or(t.provider_payment_id = $2), false) AS "has_own!",
       (SELECT k.subject FROM payment_cases k
        WHERE k.payment_id = $1 AND k.kind IN ('amount_mismatch', 'unpriced_payment') AND k.status = 'open'
          AND k.subject IN (SELECT p.provider_payment_id FROM payment_parts p WHERE p.payment_id = $1)
        ORDER BY k.opened_at, k.id LIMIT 1) AS waits_as,
       EXISTS (SELECT FROM payment_cases k
               WHERE k.payment_id = $1 AND k.kind IN ('amount_mismatch', 'unpriced_payment') AND k.status = 'resolved'
                 AND coalesce(k.resolved_by, '') <> ALL ($4::text[])) AS "is_decided!"
FROM payment_parts t
CROSS JOIN LATERAL (SELECT coalesce(sum(f.amount_minor), 0) AS back FROM refunds f
                    WHERE f.provider_payment_id = t.provider_payment_id AND f.status = 'processed') r
WHERE t.payment_id = $1
