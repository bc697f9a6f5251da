-- What other allocations of the same purchase, which are over, have on their calendars: how many sessions count as used (a cancelled one
-- does not, and one that is ahead of $2, the school's today, moves), and what is ahead. An allocation that does not say whose it is belongs
-- to the purchase if it is not older.
SELECT a.id AS "allocation_id!",
       count(*) FILTER (WHERE s.status <> 'cancelled' AND (s.status <> 'scheduled' OR s.scheduled_date < $2)) AS "used!",
       coalesce(array_agg(s.id) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $2), '{}') AS "ids!",
       coalesce(array_agg(s.trainer_id) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $2), '{}') AS "trainers!",
       coalesce(array_agg(s.trainer_id IS NOT DISTINCT FROM coalesce(e.trainer_id, s.trainer_id))
                FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $2), '{}') AS "is_theirs!",
       coalesce(array_agg(s.scheduled_date) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $2), '{}') AS "days!",
       coalesce(array_agg(s.scheduled_time::text) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $2), '{}') AS "times!",
       coalesce(array_agg(coalesce(s.planned_date <> s.scheduled_date OR s.planned_time <> s.scheduled_time, s.updated_at <> s.created_at))
                FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $2), '{}') AS "edited!",
       coalesce(array_agg(s.planned_date IS NOT NULL) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $2), '{}') AS "planned!"
FROM trainer_allocations a
CROSS JOIN LATERAL (
  SELECT p.id, p.created_at FROM student_course_purchases p
  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  ORDER BY p.created_at, p.id
  LIMIT 1) p
JOIN trainer_allocations e
  ON e.student_id = a.student_id AND e.course_id = a.course_id AND e.id <> a.id AND e.status IN ('cancelled', 'completed', 'rejected')
 AND coalesce(makegood_object(e.metadata) ->> 'purchaseId' = p.id::text, e.created_at >= p.created_at)
JOIN tutoring_sessions s ON s.allocation_id = e.id
WHERE a.id = ANY($1)
GROUP BY a.id
