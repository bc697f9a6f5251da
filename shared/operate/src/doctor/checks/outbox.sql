-- G4: events that wait too long, rows that were never published, and events that name nothing. $1 is now, $2 the grace in
-- seconds, $3 the age in seconds from which an unpublished event is stuck.
--
-- The outbox keeps what was published for seven days, so only what was made within them can be asked about. Of purchases,
-- allocations and orders only those are asked that Makegood made itself, with the event in the same transaction: their
-- ids are time-ordered (version 7), they note the purchase, their number is of our form. A row that is published again keeps its
-- `created_at`; as long as its new owner holds it and has met no error, it is not stuck.
WITH made AS (
  SELECT 'purchase-not-announced' AS code, 'purchase-created-' || p.id AS event_id, p.id::text AS id, p.created_at AS at,
         p.payment_id IS NOT NULL AND substr(p.id::text, 15, 1) = '7' AS is_ours
  FROM student_course_purchases p
  WHERE p.created_at >= $1::timestamptz - interval '7 days'
  UNION ALL
  SELECT 'allocation-not-announced', 'trainer-allocated-' || a.id, a.id::text, a.allocated_at,
         a.status IN ('approved', 'active') AND makegood_object(a.metadata) ? 'purchaseId'
  FROM trainer_allocations a
  WHERE a.allocated_at >= $1::timestamptz - interval '7 days'
  UNION ALL
  SELECT 'order-not-announced', 'order-confirmed-' || r.id, r.order_number, r.created_at,
         r.order_number ~ '^ORD-[0-9]{8}-[0-9A-HJKMNP-TV-Z]{8}$'
  FROM orders r
  WHERE r.created_at >= $1::timestamptz - interval '7 days'
), published AS (
  SELECT o.event_id, o.event_type FROM outbox o
  WHERE o.event_type IN ('PURCHASE_CREATED', 'TRAINER_ALLOCATED', 'ORDER_CONFIRMED')
), apart AS (
  -- What has no counterpart: nothing at all, where all is well.
  SELECT m.code, m.id, m.at, a.event_id, a.event_type
  FROM made m FULL JOIN published a ON a.event_id = m.event_id
  WHERE a.event_type IS NULL AND m.is_ours AND m.at < $1::timestamptz - make_interval(secs => $2)
     OR m.code IS NULL
), broken AS (
  SELECT 'outbox-stuck' AS code, o.event_id AS id, o.created_at AS at
  FROM outbox o
  WHERE o.published_at IS NULL
    AND o.created_at < $1::timestamptz - make_interval(secs => $3)
    AND (o.claimed_until IS NULL OR o.last_error IS NOT NULL
         OR o.claimed_until < $1::timestamptz - make_interval(secs => $3))
  UNION ALL
  SELECT d.code, d.id, d.at FROM apart d WHERE d.code IS NOT NULL
  UNION ALL
  -- An event of a row that is older, published again, has its row all the same.
  SELECT 'announced-but-missing', d.event_id, NULL
  FROM apart d
  WHERE d.code IS NULL
    AND CASE
          WHEN right(d.event_id, 36) !~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN false
          WHEN d.event_type = 'PURCHASE_CREATED'
          THEN NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.id = right(d.event_id, 36)::uuid)
          WHEN d.event_type = 'TRAINER_ALLOCATED'
          THEN NOT EXISTS (SELECT FROM trainer_allocations a WHERE a.id = right(d.event_id, 36)::uuid)
          ELSE NOT EXISTS (SELECT FROM orders r WHERE r.id = right(d.event_id, 36)::uuid) END
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
