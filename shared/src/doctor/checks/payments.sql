-- G1: payments of the course pipeline without purchase, and purchases whose payment is on record as not succeeded.
-- $1 is now, $2 the grace in seconds.
--
-- Whose a purchase without payment id is: the rule of create-purchase (decision 0002), as in the sweep `reconcile`. What has
-- a purchase by its id is left out before the metadata is read: on a healthy database nothing is left.
-- A case excuses while it is open, and once a person resolved it. One that a function resolved does not: it said that all
-- would be well.
WITH unmade AS MATERIALIZED (
  SELECT y.id, y.student_id, y.metadata ->> 'courseId' AS course, y.created_at, coalesce(y.confirmed_at, y.created_at) AS paid_at
  FROM payments y
  WHERE y.status = 'succeeded'
    AND NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = y.id)
), readable AS (
  SELECT u.* FROM unmade u WHERE u.course ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
), beside AS (
  SELECT r.id, r.student_id, r.course::uuid AS course_id, r.created_at, r.paid_at, true AS is_payment FROM readable r
  UNION ALL
  SELECT p.id, p.student_id, p.course_id, p.created_at, NULL, false
  FROM student_course_purchases p
  WHERE p.payment_id IS NULL
), counted AS (
  SELECT b.*, count(*) FILTER (WHERE NOT is_payment) OVER pair AS purchases,
         max(created_at) FILTER (WHERE NOT is_payment) OVER pair AS newest
  FROM beside b
  WINDOW pair AS (PARTITION BY student_id, course_id)
), judged AS (
  SELECT c.*, c.purchases > 0
         AND (EXISTS (SELECT FROM processed_events e WHERE e.event_id = 'payment:' || c.id || ':PURCHASE_CONFIRMED')
              OR EXISTS (SELECT FROM processed_events e
                         WHERE e.correlation_id = c.id AND e.event_type = 'PURCHASE_CONFIRMED')) AS marked
  FROM counted c
  WHERE c.is_payment
), ranked AS (
  SELECT j.*, coalesce(j.marked OR j.created_at <= j.newest, false) AS may_own,
         row_number() OVER (PARTITION BY j.student_id, j.course_id
                            ORDER BY NOT j.marked, j.created_at <= j.newest DESC, j.created_at, j.id) AS rank
  FROM judged j
), unanswered AS (
  SELECT 'payment-without-purchase' AS code, r.id, r.paid_at FROM ranked r WHERE NOT (r.may_own AND r.rank <= r.purchases)
  UNION ALL
  SELECT 'payment-course-unreadable', u.id, u.paid_at FROM unmade u
  WHERE u.course IS NOT NULL AND u.course !~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
), broken AS (
  SELECT u.code, u.id, u.paid_at AS at
  FROM unanswered u
  WHERE u.paid_at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM payment_cases k
                    WHERE k.payment_id = u.id
                      AND (k.status = 'open'
                           OR coalesce(k.resolved_by, '') NOT IN ('receive-payment', 'create-purchase', 'sweep')))
  UNION ALL
  SELECT 'purchase-unpaid', p.id, p.created_at
  FROM payments y
  JOIN student_course_purchases p ON p.payment_id = y.id AND p.is_active
  WHERE y.status <> 'succeeded' AND p.created_at < $1::timestamptz - make_interval(secs => $2)
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) AS oldest_at
FROM broken GROUP BY code
