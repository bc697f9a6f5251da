-- What is left of each of these purchases ($1) on the school's day $2: the sessions that were held, those of today that are not over yet,
-- those that were held under other allocations of it that are over, and whether its allocation was completed. A session that was cancelled
-- was not held. A purchase that ends at infinity has no end.
SELECT p.id, p.purchase_tier, nullif(p.expiry_date, 'infinity') AS ends_at, a.id AS "allocation?", a.trainer_id AS "trainer?",
       a.session_count AS "session_count?",
       coalesce(s.held, 0) AS "held!", coalesce(s.todays, '{}') AS "todays!", l.held AS "held_earlier!",
       a.id IS NULL
       AND EXISTS (SELECT FROM trainer_allocations c
                   WHERE c.student_id = p.student_id AND c.course_id = p.course_id AND c.status = 'completed'
                     AND (c.created_at >= p.created_at OR makegood_object(c.metadata) ->> 'purchaseId' = p.id::text))
       AND NOT EXISTS (SELECT FROM trainer_allocations w
                       WHERE w.student_id = p.student_id AND w.course_id = p.course_id AND w.status = 'pending') AS "completed!"
FROM student_course_purchases p
LEFT JOIN LATERAL (
  SELECT a.id, a.trainer_id, makegood_object(a.metadata) ->> 'sessionCount' AS session_count FROM trainer_allocations a
  WHERE a.student_id = p.student_id AND a.course_id = p.course_id AND a.status IN ('approved', 'active')
  ORDER BY a.created_at, a.id
  LIMIT 1) a ON true
LEFT JOIN LATERAL (
  SELECT count(*) FILTER (WHERE t.status = 'completed' OR t.status <> 'cancelled' AND t.scheduled_date < $2) AS held,
         array_agg(t.scheduled_time::text) FILTER (WHERE t.scheduled_date = $2 AND t.status NOT IN ('cancelled', 'completed')) AS todays
  FROM tutoring_sessions t
  WHERE t.allocation_id = a.id) s ON true
CROSS JOIN LATERAL (
  SELECT count(*) AS held FROM trainer_allocations e
  JOIN tutoring_sessions t ON t.allocation_id = e.id AND t.status <> 'cancelled' AND (t.status <> 'scheduled' OR t.scheduled_date < $2)
  WHERE e.student_id = p.student_id AND e.course_id = p.course_id AND e.id IS DISTINCT FROM a.id
    AND e.status IN ('cancelled', 'completed', 'rejected')
    AND coalesce(makegood_object(e.metadata) ->> 'purchaseId' = p.id::text, e.created_at >= p.created_at)) l
WHERE p.id = ANY($1) AND p.is_active
