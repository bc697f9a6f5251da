-- Which of these allocations ($1) are approved or active, older than $3 seconds at $2, and have sessions left and none ahead of $4, the
-- school's today ($5 is its time zone, $6 the days of the week on which it teaches, Monday being 1). As in scheduling, every session that was not cancelled uses up one of those bought, and so does one
-- of another allocation of the same purchase that is over, unless it is ahead: those move.
SELECT a.id AS "id!", a.trainer_id AS "trainer_id!", a.student_id AS "student_id!", a.course_id AS "course_id!", a.metadata,
       b.session_count AS "session_count!", COALESCE(p.payment_id, y.id, p.id, a.id) AS "correlation_id!",
       GREATEST(a.created_at, a.allocated_at) AS "since!",
       NOT EXISTS (SELECT FROM outbox o
                   WHERE o.event_id = 'trainer-allocated-' || a.id
                     AND (o.published_at IS NULL OR o.published_at > now() - interval '4 minutes') OFFSET 0)
       AND NOT EXISTS (SELECT FROM dead_letters d
                       WHERE d.status = 'parked' AND d.event_id = 'trainer-allocated-' || a.id
                         AND (d.permanent OR d.parked_at > now() - interval '1 hour')
                         -- An event that differed from the row says nothing about the row.
                         AND coalesce(d.error_code, '') !~ '^(payment_not_(recorded|succeeded)|(payment|purchase|allocation)_[a-z]+_differs?)$' OFFSET 0) AS "is_due!"
FROM (SELECT DISTINCT u.id::uuid AS id FROM unnest($1::text[]) u (id)) i
JOIN trainer_allocations a ON a.id = i.id
LEFT JOIN LATERAL (
  SELECT p.id, p.payment_id, p.purchase_tier, p.expiry_date, p.metadata, p.created_at FROM student_course_purchases p
  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  ORDER BY p.created_at, p.id
  LIMIT 1) p ON true
LEFT JOIN LATERAL (
  SELECT y.id FROM payments y
  WHERE p.payment_id IS NULL AND y.student_id = a.student_id AND y.status = 'succeeded'
    AND lower(makegood_object(y.metadata) ->> 'courseId') = a.course_id::text
  ORDER BY y.created_at, y.id
  LIMIT 1) y ON true
CROSS JOIN LATERAL (
  SELECT CASE WHEN makegood_object(a.metadata) ->> 'sessionCount' ~ '^[0-9]{1,4}$' THEN (makegood_object(a.metadata) ->> 'sessionCount')::integer
              ELSE COALESCE(p.purchase_tier, 30) END AS session_count) b
WHERE a.status IN ('approved', 'active')
  AND a.trainer_id IS NOT NULL
  AND a.course_id IS NOT NULL
  -- Nothing new is planned while the buyer's bank asks for the money back.
  AND NOT EXISTS (SELECT FROM disputes d
                  WHERE d.payment_id = p.payment_id AND d.status IN ('open', 'under_review', 'action_required') OFFSET 0)
  AND GREATEST(a.created_at, a.allocated_at) NOT BETWEEN $2::timestamptz - make_interval(secs => $3) AND $2 + interval '10 minutes'
  AND NOT EXISTS (SELECT FROM tutoring_sessions s
                  WHERE s.allocation_id = a.id AND s.scheduled_date >= $4 AND s.status = 'scheduled' OFFSET 0)
  AND (SELECT count(*) FROM tutoring_sessions s WHERE s.allocation_id = a.id AND s.status <> 'cancelled')
      < least(b.session_count, greatest(p.purchase_tier, b.session_count)
              - (SELECT count(*) FROM trainer_allocations e
                 JOIN tutoring_sessions s ON s.allocation_id = e.id
                 WHERE e.student_id = a.student_id AND e.course_id = a.course_id AND e.id <> a.id
                   AND e.status IN ('cancelled', 'completed', 'rejected')
                   AND coalesce(makegood_object(e.metadata) ->> 'purchaseId' = p.id::text, e.created_at >= p.created_at)
                   AND s.status <> 'cancelled' AND (s.status <> 'scheduled' OR s.scheduled_date < $4)))
  -- Of a running purchase; a pair that never had one is older than purchases are.
  AND (p.id IS NOT NULL
       OR NOT EXISTS (SELECT FROM student_course_purchases e
                      WHERE e.student_id = a.student_id AND e.course_id = a.course_id AND NOT e.is_active OFFSET 0))
  -- Which leaves a day for a session: an open one, from the start date on, that is over before the purchase is.
  AND (p.expiry_date IS NULL
       OR EXISTS (SELECT FROM generate_series($4::date + 1,
                                          least($4::date + 400,
                                                ((p.expiry_date AT TIME ZONE $5) + interval '1 second')::date - 1)::timestamp,
                                          interval '1 day') d (day)
                  WHERE extract(isodow FROM d.day)::integer = ANY($6::integer[])
                    AND to_char(d.day, 'YYYY-MM-DD') >= coalesce(substring(coalesce(makegood_object(a.metadata) ->> 'startDate', makegood_object(a.metadata) -> 'schedule' ->> 'startDate', makegood_object(p.metadata) -> 'schedule' ->> 'startDate', makegood_object(p.metadata) ->> 'startDate') FROM '^\s*(\d{4}-\d\d-\d\d)'), '')
                    AND NOT EXISTS (SELECT FROM session_blackout_dates b WHERE b.day = d.day::date)
                    AND NOT EXISTS (SELECT FROM tutoring_sessions s
                                    WHERE s.allocation_id = a.id AND s.scheduled_date = d.day::date)))
ORDER BY GREATEST(a.created_at, a.allocated_at), a.id
