-- What the rows of these allocations say of what their events say too.
SELECT a.id, a.student_id, a.course_id, a.trainer_id, a.metadata ->> 'sessionCount' AS session_count,
       a.status IN ('approved', 'active') AS "stands!", p.purchase_tier AS "purchase_tier?"
FROM trainer_allocations a
LEFT JOIN LATERAL (
  SELECT p.purchase_tier FROM student_course_purchases p
  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  ORDER BY p.created_at, p.id
  LIMIT 1) p ON true
WHERE a.id = ANY($1)
