-- Everything that an id may be: $1 as a UUID (null when it is none), $2 as text. Each branch is a look into an index.
WITH hits AS (
  SELECT 'payment' AS found_by, 'payment' AS kind, y.id::text AS id FROM payments y WHERE y.id = $1
  UNION ALL
  SELECT 'provider_payment', 'payment', y.id::text FROM payments y WHERE y.provider_payment_id = $2
  UNION ALL
  (SELECT 'student', 'payment', y.id::text FROM payments y WHERE y.student_id = $1 ORDER BY y.created_at DESC, y.id LIMIT 50)
  UNION ALL
  (SELECT 'student', CASE WHEN p.payment_id IS NULL THEN 'purchase' ELSE 'payment' END, coalesce(p.payment_id, p.id)::text
   FROM student_course_purchases p WHERE p.student_id = $1 AND p.is_active ORDER BY p.created_at DESC, p.id LIMIT 50)
  UNION ALL
  SELECT 'purchase', CASE WHEN p.payment_id IS NULL THEN 'purchase' ELSE 'payment' END, coalesce(p.payment_id, p.id)::text
  FROM student_course_purchases p WHERE p.id = $1
  UNION ALL
  SELECT 'payment', 'payment', p.payment_id::text FROM student_course_purchases p WHERE p.payment_id = $1
  UNION ALL
  SELECT 'allocation',
         CASE WHEN p.id IS NULL THEN 'allocation' WHEN p.payment_id IS NULL THEN 'purchase' ELSE 'payment' END,
         coalesce(p.payment_id, p.id, a.id)::text
  FROM trainer_allocations a
  LEFT JOIN LATERAL (
    SELECT p.id, p.payment_id FROM student_course_purchases p
    WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
    ORDER BY p.id::text = makegood_object(a.metadata) ->> 'purchaseId' DESC NULLS LAST, p.created_at DESC LIMIT 1) p ON true
  WHERE a.id = $1 OR a.id = (SELECT s.allocation_id FROM tutoring_sessions s WHERE s.id = $1)
  UNION ALL
  SELECT 'intent', 'intent', i.payment_intent_id FROM payment_intents i WHERE i.payment_intent_id = $2
  UNION ALL
  SELECT 'external_transaction', 'intent', i.payment_intent_id FROM payment_intents i
  WHERE i.provider IN ('esewa', 'khalti') AND i.external_transaction_id = $2
  UNION ALL
  (SELECT 'user', 'intent', i.payment_intent_id FROM payment_intents i
   WHERE i.user_id = $1 ORDER BY i.created_at DESC, i.payment_intent_id LIMIT 50)
  UNION ALL
  SELECT 'order', 'intent', o.payment_intent_id FROM orders o WHERE o.id = $1
  UNION ALL
  SELECT 'order_number', 'intent', o.payment_intent_id FROM orders o WHERE o.order_number = upper($2)
  UNION ALL
  SELECT 'job', CASE WHEN i.payment_intent_id IS NULL THEN 'job' ELSE 'intent' END, coalesce(i.payment_intent_id, j.id::text)
  FROM job_queue j
  LEFT JOIN payment_intents i ON i.payment_intent_id = j.payload ->> 'payment_intent_id'
  WHERE j.id = $1
  UNION ALL
  SELECT CASE WHEN d.id = $1 THEN 'dead_letter' WHEN d.event_id = $2 THEN 'event' ELSE 'correlation' END,
         CASE WHEN o.payment_intent_id IS NOT NULL THEN 'intent' WHEN d.correlation_id IS NOT NULL THEN 'payment'
              ELSE 'dead_letter' END,
         coalesce(o.payment_intent_id, d.correlation_id::text, d.id::text)
  FROM dead_letters d
  LEFT JOIN orders o ON o.id = CASE WHEN d.event_id ~ '^order-confirmed-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                               THEN substr(d.event_id, 17)::uuid END
  WHERE d.id = $1 OR d.correlation_id = $1 OR d.event_id = $2
  UNION ALL
  SELECT CASE WHEN e.event_id = $2 THEN 'event' ELSE 'correlation' END, 'payment', e.correlation_id::text
  FROM processed_events e WHERE e.event_id = $2 OR e.correlation_id = $1
  UNION ALL
  SELECT 'event', CASE WHEN r.payment_intent_id IS NULL THEN 'payment' ELSE 'intent' END,
         coalesce(r.payment_intent_id, o.correlation_id::text)
  FROM outbox o
  LEFT JOIN orders r ON r.id = CASE WHEN o.event_id ~ '^order-confirmed-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
                               THEN substr(o.event_id, 17)::uuid END
  WHERE o.event_id = $2
  UNION ALL
  SELECT 'case', CASE WHEN c.payment_intent_id IS NULL THEN 'payment' ELSE 'intent' END,
         coalesce(c.payment_intent_id, c.payment_id::text)
  FROM payment_cases c
  WHERE (c.id = $1 OR c.subject = $2) AND (c.payment_intent_id IS NOT NULL OR c.payment_id IS NOT NULL)
  UNION ALL
  SELECT 'refund', CASE WHEN r.payment_intent_id IS NULL THEN 'payment' ELSE 'intent' END,
         coalesce(r.payment_intent_id, r.payment_id::text)
  FROM refunds r
  WHERE (r.id = $1 OR r.provider_refund_id = $2 AND r.provider = ANY ('{razorpay,stripe,esewa,khalti}'))
    AND (r.payment_intent_id IS NOT NULL OR r.payment_id IS NOT NULL)
  UNION ALL
  SELECT 'dispute', 'payment', d.payment_id::text
  FROM disputes d WHERE d.provider_dispute_id = $2 AND d.provider = ANY ('{razorpay,stripe,esewa,khalti}') AND d.payment_id IS NOT NULL
), subjects AS (
  -- What an id is most likely meant as comes first.
  SELECT DISTINCT ON (h.kind, h.id) h.kind, h.id, h.found_by
  FROM hits h
  ORDER BY h.kind, h.id, array_position(ARRAY['payment', 'intent', 'order', 'order_number', 'provider_payment', 'purchase',
                                              'allocation', 'job', 'dead_letter', 'case', 'refund', 'dispute', 'event'], h.found_by)
)
SELECT s.kind AS "kind!", s.id AS "id!", s.found_by AS "found_by!",
       f.at,
       CASE s.kind
         WHEN 'payment' THEN coalesce(concat_ws(' · ', y.status, trim(y.currency) || ' ' || to_char(y.amount_cents / 100.0, 'FM999,999,999,999,990.00')), 'payment not on record')
         WHEN 'intent' THEN concat_ws(' · ', i.status, i.provider, trim(i.currency) || ' ' || to_char(i.amount_cents / 100.0, 'FM999,999,999,999,990.00'))
         WHEN 'purchase' THEN 'purchase of ' || p.purchase_tier || ' sessions, payment not known'
         WHEN 'allocation' THEN 'allocation without purchase'
         WHEN 'job' THEN 'job without intent'
         ELSE 'dead letter' END AS "summary!"
FROM subjects s
LEFT JOIN payments y ON s.kind = 'payment' AND y.id = CASE WHEN s.kind = 'payment' THEN s.id::uuid END
LEFT JOIN payment_intents i ON s.kind = 'intent' AND i.payment_intent_id = s.id
LEFT JOIN student_course_purchases p ON s.kind = 'purchase' AND p.id = CASE WHEN s.kind = 'purchase' THEN s.id::uuid END
CROSS JOIN LATERAL (SELECT coalesce(y.confirmed_at, y.created_at, i.created_at, p.created_at) AS at) t
CROSS JOIN LATERAL (SELECT CASE WHEN isfinite(t.at) THEN t.at END AS at) f
ORDER BY f.at DESC NULLS LAST, s.kind, s.id
LIMIT $3
