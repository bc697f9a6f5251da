-- G4: events that wait too long, rows that were never announced, and events that announce nothing. $1 is now, $2 the grace in
-- seconds, $3 the age in seconds from which an unpublished event is stuck.
--
-- The outbox keeps what was published for seven days, so only what was made within them can be asked about. Of purchases,
-- allocations and orders only those are asked that Makegood made itself, with the announcement in the same transaction: their
-- ids are time-ordered (version 7), they note the purchase, their number is of our form. A row that is announced again keeps its
-- `created_at`; as long as its new owner holds it and has met no error, it is not stuck.
WITH lately AS (
  SELECT o.event_id, o.event_type FROM outbox o
  WHERE o.event_type IN ('PURCHASE_CREATED', 'TRAINER_ALLOCATED', 'ORDER_CONFIRMED')
    AND right(o.event_id, 36) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
), broken AS (
  SELECT 'outbox-stuck' AS code, o.event_id AS id, o.created_at AS at
  FROM outbox o
  WHERE o.published_at IS NULL
    AND o.created_at < $1::timestamptz - make_interval(secs => $3)
    AND (o.claimed_until IS NULL OR o.last_error IS NOT NULL
         OR o.claimed_until < $1::timestamptz - make_interval(secs => $3))
  UNION ALL
  SELECT 'purchase-not-announced', p.id::text, p.created_at
  FROM student_course_purchases p
  WHERE p.created_at >= $1::timestamptz - interval '7 days' AND p.created_at < $1::timestamptz - make_interval(secs => $2)
    AND p.payment_id IS NOT NULL AND substr(p.id::text, 15, 1) = '7'
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = 'purchase-created-' || p.id)
  UNION ALL
  SELECT 'allocation-not-announced', a.id::text, a.allocated_at
  FROM trainer_allocations a
  WHERE a.status IN ('approved', 'active')
    AND a.allocated_at >= $1::timestamptz - interval '7 days' AND a.allocated_at < $1::timestamptz - make_interval(secs => $2)
    AND a.metadata ? 'purchaseId'
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = 'trainer-allocated-' || a.id)
  UNION ALL
  SELECT 'order-not-announced', r.order_number, r.created_at
  FROM orders r
  WHERE r.created_at >= $1::timestamptz - interval '7 days' AND r.created_at < $1::timestamptz - make_interval(secs => $2)
    AND r.order_number ~ '^ORD-[0-9]{8}-[0-9A-HJKMNP-TV-Z]{8}$'
    AND NOT EXISTS (SELECT FROM outbox o WHERE o.event_id = 'order-confirmed-' || r.id)
  UNION ALL
  SELECT 'announced-but-missing', l.event_id, NULL
  FROM lately l
  WHERE CASE l.event_type
          WHEN 'PURCHASE_CREATED'
          THEN NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.id = right(l.event_id, 36)::uuid)
          WHEN 'TRAINER_ALLOCATED'
          THEN NOT EXISTS (SELECT FROM trainer_allocations a WHERE a.id = right(l.event_id, 36)::uuid)
          ELSE NOT EXISTS (SELECT FROM orders r WHERE r.id = right(l.event_id, 36)::uuid) END
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) AS oldest_at
FROM broken GROUP BY code
