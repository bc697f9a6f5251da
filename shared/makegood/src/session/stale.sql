-- Which of these allocations ($1) have sessions to be planned anew, from $2, the school's today, on: what they were planned by was changed, a
-- day of theirs was closed, the pipeline put one on a day of the week on which the school does not teach ($3 are those on which it does,
-- Monday being 1), or another allocation of the purchase is over and has sessions ahead. What is edited is as in booked.sql. OFFSET 0 keeps
-- the planner from reading all sessions of the school at once.
SELECT a.id
FROM trainer_allocations a
LEFT JOIN LATERAL (
  SELECT p.id, p.created_at, p.metadata FROM student_course_purchases p
  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  ORDER BY p.created_at, p.id
  LIMIT 1) p ON true
WHERE a.id = ANY($1)
  AND (a.planned <> jsonb_build_object(
         'trainer', a.trainer_id, 'slot', makegood_object(a.metadata) ->> 'timeSlot',
         'start', coalesce(makegood_object(a.metadata) ->> 'startDate', makegood_object(a.metadata) -> 'schedule' ->> 'startDate'),
         'purchase', p.id, 'purchaseSlot', makegood_object(p.metadata) ->> 'timeSlot',
         'purchaseStart', coalesce(makegood_object(p.metadata) -> 'schedule' ->> 'startDate', makegood_object(p.metadata) ->> 'startDate'))
       OR EXISTS (SELECT FROM session_blackout_dates b
                  JOIN tutoring_sessions s ON s.allocation_id = a.id AND s.scheduled_date = b.day
                  WHERE b.day >= $2 AND s.status = 'scheduled'
                    AND NOT coalesce(s.planned_date <> s.scheduled_date OR s.planned_time <> s.scheduled_time, s.updated_at <> s.created_at))
       OR EXISTS (SELECT FROM tutoring_sessions s
                  WHERE s.allocation_id = a.id AND s.scheduled_date >= $2 AND s.status = 'scheduled'
                    AND extract(isodow FROM s.scheduled_date)::integer <> ALL($3::integer[])
                    AND s.planned_date = s.scheduled_date AND s.planned_time = s.scheduled_time OFFSET 0)
       OR EXISTS (SELECT FROM trainer_allocations e
                  JOIN tutoring_sessions s ON s.allocation_id = e.id AND s.scheduled_date >= $2 AND s.status = 'scheduled'
                  WHERE e.student_id = a.student_id AND e.course_id = a.course_id AND e.id <> a.id
                    AND e.status IN ('cancelled', 'completed', 'rejected')
                    AND coalesce(makegood_object(e.metadata) ->> 'purchaseId' = p.id::text, e.created_at >= p.created_at)))
