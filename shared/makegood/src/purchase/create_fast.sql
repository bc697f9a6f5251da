-- One statement, one commit: purchase, mark and event of every request that is free to be made. What is not
-- made here (it exists, extended one that exists, a case is open, the money went back) comes back with made = false and is settled apart.
-- The predicate in ON CONFLICT is what makes Postgres infer the partial index; without it the statement fails with
-- 42P10, and without a target it would silently make duplicates once the index is gone.
-- ORDER BY: concurrent batches take their index entries in the same order and can't deadlock.
-- A payment is locked (FOR SHARE) until the commit: a refund that commits first is seen here, one that comes later waits and finds the
-- purchase. Only what still counts as succeeded is fulfilled.
WITH request AS (
  SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::int[], $6::timestamptz[], $7::jsonb[],
                       $8::text[], $9::uuid[], $10::jsonb[], $11::text[], $12::text[], $13::text[], $14::jsonb[])
    AS r (purchase_id, payment_id, student_id, course_id, tier, expiry, metadata,
          event_id, event_correlation_id, event, source, version, outbox_event_id, outbox_event)
), payable AS MATERIALIZED (
  SELECT y.id FROM payments y WHERE y.id = ANY ($2::uuid[]) AND y.status = 'succeeded' ORDER BY y.id FOR SHARE OF y
), created AS (
  INSERT INTO student_course_purchases (id, student_id, course_id, purchase_tier, expiry_date, metadata, payment_id)
  SELECT r.purchase_id, r.student_id, r.course_id, r.tier, r.expiry, r.metadata, r.payment_id
  FROM request r JOIN payable y ON y.id = r.payment_id
  WHERE NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = r.payment_id)
    AND NOT EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = r.payment_id)
    AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.kind = 'surplus_payment' AND c.subject = r.payment_id::text)
  ORDER BY r.student_id, r.course_id
  ON CONFLICT (student_id, course_id) WHERE is_active DO NOTHING
  RETURNING id
), marked AS (
  INSERT INTO processed_events (event_id, event_type, correlation_id, payload, source, version)
  SELECT r.event_id, 'PURCHASE_CONFIRMED', r.event_correlation_id, r.event, r.source, r.version
  FROM request r JOIN created c ON c.id = r.purchase_id
  ORDER BY r.event_id
  ON CONFLICT DO NOTHING
  RETURNING event_id
), published AS (
  INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, claimed_until)
  SELECT r.outbox_event_id, 'PURCHASE_CREATED', 'purchase-created', r.outbox_event, r.payment_id,
         now() + make_interval(secs => $15)
  FROM request r JOIN created c ON c.id = r.purchase_id
  ORDER BY r.outbox_event_id
  ON CONFLICT (event_id) DO NOTHING
  RETURNING id, event_id
)
SELECT r.purchase_id AS "purchase_id!",
       c.id IS NOT NULL AS "made!",
       m.event_id IS NOT NULL AS "newly_marked!",
       a.id AS "outbox_id?"
FROM request r
LEFT JOIN created c ON c.id = r.purchase_id
LEFT JOIN marked m ON m.event_id = r.event_id
LEFT JOIN published a ON a.event_id = r.outbox_event_id
