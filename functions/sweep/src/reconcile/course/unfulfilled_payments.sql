-- Succeeded payments for a course, older than two minutes, without purchase and without case: how many, the age of the
-- oldest, and the $1 oldest of those that may be announced now. Always at least one row, for the two figures.
--
-- A purchase from before Makegood has no payment id and belongs to one payment of its pair, ended purchases included, by
-- the same rule as in create-purchase: marked payments before others, then the oldest; one recorded after the purchase
-- can't have fulfilled it, unless its event was marked. Payments and such purchases are laid side by side and counted by
-- window, not joined: the planner underestimates both and would compare each with each.
WITH beside AS (
  SELECT y.id, y.student_id, (y.metadata ->> 'courseId')::uuid AS course_id, y.created_at, true AS is_payment
  FROM payments y
  WHERE y.status = 'succeeded'
    AND y.metadata ->> 'courseId' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    AND NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = y.id)
  UNION ALL
  SELECT p.id, p.student_id, p.course_id, p.created_at, false
  FROM student_course_purchases p
  WHERE p.payment_id IS NULL
), counted AS (
  SELECT b.*, count(*) FILTER (WHERE NOT is_payment) OVER pair AS purchases,
         max(created_at) FILTER (WHERE NOT is_payment) OVER pair AS newest
  FROM beside b
  WINDOW pair AS (PARTITION BY student_id, course_id)
), judged AS (
  SELECT c.id, c.student_id, c.course_id, c.created_at, c.purchases, c.newest,
         c.purchases > 0
         AND (EXISTS (SELECT FROM processed_events e WHERE e.event_id = 'payment:' || c.id || ':PURCHASE_CONFIRMED')
              OR EXISTS (SELECT FROM processed_events e
                         WHERE e.correlation_id = c.id AND e.event_type = 'PURCHASE_CONFIRMED')) AS marked
  FROM counted c
  WHERE c.is_payment
), ranked AS (
  -- Those that can't be owners come last, so that they take no owner's place.
  SELECT j.*, COALESCE(j.marked OR j.created_at <= j.newest, false) AS may_own,
         row_number() OVER (PARTITION BY j.student_id, j.course_id
                            ORDER BY NOT j.marked, j.created_at <= j.newest DESC, j.created_at, j.id) AS rank
  FROM judged j
), unfulfilled AS (
  SELECT r.id, r.student_id, r.course_id, y.amount_cents, y.metadata, COALESCE(y.confirmed_at, y.created_at) AS paid_at
  FROM ranked r
  JOIN payments y ON y.id = r.id
  WHERE NOT (r.may_own AND r.rank <= r.purchases)
    AND COALESCE(y.confirmed_at, y.created_at) < now() - interval '2 minutes'
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_id = r.id)
)
SELECT t.total AS "total!", t.oldest_seconds AS "oldest_seconds!", u.id AS "payment_id?", u.student_id AS "student_id?",
       u.course_id AS "course_id?", u.amount_cents AS "amount_cents?", u.metadata AS "metadata?"
FROM (SELECT count(*) AS total, COALESCE(extract(epoch FROM now() - min(paid_at)), 0)::bigint AS oldest_seconds
      FROM unfulfilled) t
LEFT JOIN LATERAL (
  SELECT f.* FROM unfulfilled f
  WHERE NOT EXISTS (SELECT FROM outbox o
                    WHERE o.event_id = 'payment:' || f.id || ':PURCHASE_CONFIRMED'
                      AND (o.published_at IS NULL OR o.published_at > now() - interval '4 minutes'))
    AND NOT EXISTS (SELECT FROM dead_letters d
                    WHERE d.status = 'parked' AND d.event_id = 'payment:' || f.id || ':PURCHASE_CONFIRMED'
                      AND (d.permanent OR d.parked_at > now() - interval '1 hour'))
  ORDER BY f.paid_at, f.id
  LIMIT $1) u ON true
