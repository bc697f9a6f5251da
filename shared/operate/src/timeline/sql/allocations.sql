-- The allocations of the pair ($1 student, $2 course) or this one ($3), each with its calendar: $4 is the school's today. What was
-- bought is read as the scheduler reads it: for an allocation that stands, less what others of its purchase that are over have used.
SELECT a.id, a.student_id, a.course_id, a.trainer_id, a.status, a.requested_at, a.allocated_at, a.created_at,
       CASE WHEN a.status IN ('approved', 'active') THEN least(b.own, greatest(p.purchase_tier, b.own) - coalesce(e.used, 0)::integer)
            ELSE b.own END AS "bought!",
       c.used AS "used!", c.ahead AS "ahead!", c.first_made_at, c.last_made_at, c.next_day
FROM trainer_allocations a
LEFT JOIN LATERAL (
  SELECT p.id, p.purchase_tier, p.created_at FROM student_course_purchases p
  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  ORDER BY p.created_at, p.id
  LIMIT 1) p ON true
CROSS JOIN LATERAL (
  SELECT CASE WHEN makegood_object(a.metadata) ->> 'sessionCount' ~ '^[0-9]{0,3}[1-9][0-9]{0,3}$' THEN (makegood_object(a.metadata) ->> 'sessionCount')::integer
              ELSE coalesce(p.purchase_tier, 30) END AS own) b
CROSS JOIN LATERAL (
  SELECT count(*) AS used FROM trainer_allocations o
  JOIN tutoring_sessions s ON s.allocation_id = o.id AND s.status <> 'cancelled' AND (s.status <> 'scheduled' OR s.scheduled_date < $4)
  WHERE o.student_id = a.student_id AND o.course_id = a.course_id AND o.id <> a.id
    AND o.status IN ('cancelled', 'completed', 'rejected')
    AND coalesce(makegood_object(o.metadata) ->> 'purchaseId' = p.id::text, o.created_at >= p.created_at)) e
CROSS JOIN LATERAL (
  SELECT count(*) FILTER (WHERE s.status <> 'cancelled') AS used,
         count(*) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $4) AS ahead,
         min(s.created_at) AS first_made_at, max(s.created_at) AS last_made_at,
         min(s.scheduled_date) FILTER (WHERE s.status = 'scheduled' AND s.scheduled_date >= $4) AS next_day
  FROM tutoring_sessions s WHERE s.allocation_id = a.id) c
WHERE (a.student_id = $1 AND a.course_id = $2) OR a.id = $3
ORDER BY a.created_at, a.id
LIMIT 50
