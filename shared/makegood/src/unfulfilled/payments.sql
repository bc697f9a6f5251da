-- Which of these payments ($1) are succeeded, for a course, paid over $3 seconds before $2, and neither have a purchase, nor extended one, nor a case that
-- answers for them ($4 are the programs that resolve cases). Costs what it is asked about.
--
-- A case answers while it is open, and once a person resolved it, unless the money came after that. One that a program resolved does
-- not: it said that all would be well. One about an event that was not what the payment's row says never does: it says nothing about
-- the row. Nor does one about a dispute or a part that went back: both leave the rest owed.
--
-- A purchase from before Makegood has no payment id and belongs to one payment of its pair, ended purchases included, by the same rule
-- as in create-purchase (decision 0002): marked payments before others, then the oldest; one recorded after the purchase can't have
-- fulfilled it, unless its event was marked.
WITH asked AS MATERIALIZED (
  SELECT y.id, y.student_id, makegood_object(y.metadata) ->> 'courseId' AS course, y.created_at, COALESCE(y.confirmed_at, y.created_at) AS paid_at
  FROM (SELECT DISTINCT u.id::uuid AS id FROM unnest($1::text[]) u (id)) i
  JOIN payments y ON y.id = i.id
  WHERE y.status = 'succeeded'
    AND NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = y.id OFFSET 0)
    AND NOT EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = y.id OFFSET 0)
), unmade AS MATERIALIZED (
  SELECT a.id, a.student_id, a.course::uuid AS course_id, a.paid_at
  FROM asked a
  WHERE a.course ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
    AND a.paid_at NOT BETWEEN $2::timestamptz - make_interval(secs => $3) AND $2 + interval '10 minutes'
    AND NOT EXISTS (SELECT FROM payment_cases k
                    WHERE k.payment_id = a.id AND k.kind <> ALL ('{unknown_payment,dispute,given_back}')
                      AND (k.status = 'open'
                           OR coalesce(k.resolved_by, '') <> ALL ($4::text[]) AND coalesce(k.resolved_at, 'infinity') >= a.paid_at)
                    OFFSET 0)
), pairs AS MATERIALIZED (
  SELECT u.student_id, u.course_id, o.purchases, o.newest
  FROM (SELECT DISTINCT student_id, course_id FROM unmade) u
  CROSS JOIN LATERAL (SELECT count(*) AS purchases, max(p.created_at) AS newest FROM student_course_purchases p
                      WHERE p.student_id = u.student_id AND p.course_id = u.course_id AND p.payment_id IS NULL) o
  WHERE o.purchases > 0
), rivals AS MATERIALIZED (
  SELECT q.student_id, q.course_id, q.purchases, q.newest, y.id, y.created_at,
         EXISTS (SELECT FROM processed_events e WHERE e.event_id = 'payment:' || y.id || ':PURCHASE_CONFIRMED' OFFSET 0)
         OR EXISTS (SELECT FROM processed_events e
                    WHERE e.correlation_id = y.id AND e.event_type = 'PURCHASE_CONFIRMED' OFFSET 0) AS marked
  FROM pairs q
  JOIN payments y ON y.student_id = q.student_id AND lower(makegood_object(y.metadata) ->> 'courseId') = q.course_id::text AND y.status = 'succeeded'
  WHERE NOT EXISTS (SELECT FROM student_course_purchases p WHERE p.payment_id = y.id OFFSET 0)
    AND NOT EXISTS (SELECT FROM purchase_extensions x WHERE x.payment_id = y.id OFFSET 0)
), ranked AS (
  -- Those that can't be owners come last, so that they take no owner's place.
  SELECT r.id, r.purchases, COALESCE(r.marked OR r.created_at <= r.newest, false) AS may_own,
         row_number() OVER (PARTITION BY r.student_id, r.course_id
                            ORDER BY NOT r.marked, r.created_at <= r.newest DESC, r.created_at, r.id) AS rank
  FROM rivals r
)
SELECT u.id AS "id!", u.student_id AS "student_id!", u.course_id AS "course_id!", y.amount_cents AS "amount_minor!", y.metadata,
       u.paid_at AS "since!",
       -- Waiting in the outbox, published lately, or parked: somebody is at it, or a person's.
       NOT EXISTS (SELECT FROM outbox o
                   WHERE o.event_id = 'payment:' || u.id || ':PURCHASE_CONFIRMED'
                     AND (o.published_at IS NULL OR o.published_at > now() - interval '4 minutes') OFFSET 0)
       AND NOT EXISTS (SELECT FROM dead_letters d
                       WHERE d.status = 'parked' AND d.event_id = 'payment:' || u.id || ':PURCHASE_CONFIRMED'
                         AND (d.permanent OR d.parked_at > now() - interval '1 hour')
                         -- An event that differed from the row says nothing about the row.
                         AND coalesce(d.error_code, '') !~ '^(payment_not_(recorded|succeeded)|(payment|purchase|allocation)_[a-z]+_differs?)$' OFFSET 0) AS "is_due!"
FROM unmade u
JOIN payments y ON y.id = u.id
WHERE NOT EXISTS (SELECT FROM ranked r WHERE r.id = u.id AND r.may_own AND r.rank <= r.purchases)
ORDER BY u.paid_at, u.id
