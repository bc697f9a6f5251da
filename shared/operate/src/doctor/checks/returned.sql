-- G11: what money that went back must have ended, and what about it waits for somebody. $1 is now, $2 the grace in seconds. An open case
-- answers; of an order also one about money that went back, once a person resolved it ($3 are the programs that resolve cases).
WITH back AS (
  SELECT f.payment_id, f.currency, greatest(sum(f.amount_minor), max(f.told_minor)) AS minor, max(f.updated_at) AS at
  FROM (SELECT payment_id, currency, amount_minor, payment_refunded_minor AS told_minor, updated_at FROM refunds
        WHERE status = 'processed' AND payment_id IS NOT NULL
        UNION ALL
        SELECT payment_id, currency, amount_minor, NULL, updated_at FROM disputes WHERE status = 'lost' AND payment_id IS NOT NULL) f
  GROUP BY f.payment_id, f.currency
), shop AS (
  SELECT i.payment_intent_id, i.given_back_at, greatest(sum(r.amount_minor), max(r.payment_refunded_minor)) AS minor,
         coalesce((SELECT max(v.amount_verified) FROM payment_gateway_verifications v
                   WHERE v.payment_intent_id = i.payment_intent_id AND v.status IN ('success', 'amount_mismatch')), i.amount_cents) AS paid_minor,
         max(r.updated_at) AS at,
         EXISTS (SELECT FROM payment_cases k
                 WHERE k.payment_intent_id = i.payment_intent_id
                   AND (k.status = 'open' OR k.kind = 'given_back' AND coalesce(k.resolved_by, '') <> ALL ($3::text[]))) AS is_asked
  FROM refunds r
  JOIN payment_intents i ON i.payment_intent_id = r.payment_intent_id AND i.currency = r.currency
  WHERE r.status = 'processed' AND r.payment_intent_id IS NOT NULL
  GROUP BY i.payment_intent_id
), given AS (
  SELECT s.*, o.id AS order_id, o.status
  FROM shop s LEFT JOIN orders o USING (payment_intent_id)
  WHERE s.given_back_at IS NOT NULL AND s.at < $1::timestamptz - make_interval(secs => $2)
), broken AS (
  SELECT 'refunded-purchase-runs' AS code, p.id::text AS id, y.updated_at AS at
  FROM payments y
  JOIN student_course_purchases p ON p.payment_id = y.id AND p.is_active
  WHERE y.status = 'refunded' AND y.updated_at NOT BETWEEN $1::timestamptz - make_interval(secs => $2) AND $1 + interval '10 minutes'
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_id = y.id AND k.status = 'open')
  UNION ALL
  SELECT 'refund-not-applied', y.id::text, b.at
  FROM back b
  JOIN payments y ON y.id = b.payment_id AND y.currency = b.currency
  WHERE y.status = 'succeeded' AND y.amount_cents > 0 AND b.minor >= y.amount_cents
    AND b.at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_id = y.id AND k.status = 'open')
  UNION ALL
  SELECT 'refund-not-applied', s.payment_intent_id, s.at
  FROM shop s
  WHERE s.given_back_at IS NULL AND s.paid_minor > 0 AND s.minor >= s.paid_minor
    AND s.at < $1::timestamptz - make_interval(secs => $2) AND NOT s.is_asked
  UNION ALL
  SELECT 'refunded-order-runs', g.order_id::text, g.at
  FROM given g
  WHERE g.status NOT IN ('cancelled', 'refunded') AND NOT g.is_asked
  UNION ALL
  SELECT 'refunded-order-keeps-stock', coalesce(g.order_id::text, g.payment_intent_id), g.at
  FROM given g
  WHERE NOT g.is_asked
    AND (g.status IN ('cancelled', 'refunded')
         AND EXISTS (SELECT FROM inventory_movements m WHERE m.reference_id = g.order_id AND m.reference_type = 'order'
                     GROUP BY m.variant_id HAVING sum(m.quantity_change) < 0)
         OR g.order_id IS NULL
            AND EXISTS (SELECT FROM inventory_reservations v WHERE v.payment_intent_id = g.payment_intent_id AND v.status = 'active'))
  UNION ALL
  SELECT 'ended-purchase-has-trainer', p.id::text, p.ended_at
  FROM student_course_purchases p
  JOIN trainer_allocations a ON a.student_id = p.student_id AND a.course_id = p.course_id AND a.status IN ('approved', 'active')
  WHERE p.end_reason IN ('refunded', 'dispute_lost') AND p.ended_at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM student_course_purchases o WHERE o.student_id = p.student_id AND o.course_id = p.course_id AND o.is_active)
  UNION ALL
  SELECT 'refund-of-unknown-payment', r.id::text, r.created_at
  FROM refunds r
  WHERE r.payment_id IS NULL AND r.payment_intent_id IS NULL AND r.created_at < $1::timestamptz - interval '1 hour'
  UNION ALL
  SELECT 'dispute-open', coalesce(d.payment_id, d.id)::text, d.created_at
  FROM disputes d
  WHERE d.status IN ('open', 'under_review', 'action_required')
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
