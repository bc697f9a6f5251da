-- G12: what the provider's statement has, against what is here. $1 is now. An open case answers, and one that a person resolved ($2 are the
-- programs that resolve cases). An entry that was too young when it was read last, and never was read again, counts as well.
WITH answered AS (
  SELECT k.subject, coalesce(k.payment_intent_id, k.payment_id::text) AS payment FROM payment_cases k
  WHERE k.status = 'open' OR coalesce(k.resolved_by, '') <> ALL ($2::text[])
), broken AS (
  SELECT 'statement-payment-unknown' AS code, e.entry_id AS id, e.first_seen_at AS at
  FROM statement_entries e
  WHERE e.kind = 'payment' AND e.state = 'moved' AND e.outcome IN ('matched', 'theirs_only', 'too_young')
    AND e.occurred_at < $1::timestamptz - interval '1 hour'
    AND NOT EXISTS (SELECT FROM payments y WHERE y.provider_payment_id = e.entry_id AND y.status IN ('succeeded', 'refunded'))
    -- A row that was found by another name: a part of an order, a charge of Stripe's, or an id that another provider's payment has as well.
    AND NOT EXISTS (SELECT FROM payments y
                    WHERE y.id = CASE WHEN e.subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN e.subject::uuid END
                      AND y.status IN ('succeeded', 'refunded'))
    AND NOT EXISTS (SELECT FROM payment_gateway_verifications v
                    WHERE v.provider = e.provider AND v.external_transaction_id = e.entry_id AND v.status = 'success')
    AND NOT EXISTS (SELECT FROM answered a WHERE a.subject = e.entry_id OR a.payment = e.subject)
  UNION ALL
  SELECT 'statement-differs', e.entry_id, e.first_seen_at
  FROM statement_entries e
  WHERE e.outcome IN ('ours_only', 'amount_differs', 'refunded_there_only', 'refunded_here_only')
    AND e.first_seen_at < $1::timestamptz - interval '1 hour'
    AND NOT EXISTS (SELECT FROM answered a WHERE a.subject IN (e.entry_id, e.pays) OR a.payment = e.subject)
  UNION ALL
  SELECT 'statement-unread', r.provider, r.through
  FROM ((SELECT 'razorpay' AS provider, (s.done ->> 'through')::timestamptz AS through FROM sweep_runs s
         WHERE s.sweep = 'statement' AND s.done ->> 'from' IS NOT NULL ORDER BY s.id DESC LIMIT 1)
        UNION ALL
        (SELECT 'stripe', (s.done -> 'stripe' ->> 'through')::timestamptz FROM sweep_runs s
         WHERE s.sweep = 'statement' AND s.done -> 'stripe' ->> 'from' IS NOT NULL ORDER BY s.id DESC LIMIT 1)) r
  WHERE coalesce(r.through, '-infinity') < $1::timestamptz - interval '2 days'
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
