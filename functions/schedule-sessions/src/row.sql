-- What the rows of these allocations say of what their events say too.
SELECT a.id, a.student_id, a.course_id, a.trainer_id, makegood_object(a.metadata) ->> 'sessionCount' AS session_count,
       a.status IN ('approved', 'active') AS "stands!", p.purchase_tier AS "purchase_tier?",
       coalesce((SELECT sum(x.sessions) FROM purchase_extensions x WHERE x.purchase_id = p.id), 0)::integer AS "added!",
       coalesce((SELECT sum(x.sessions) FROM purchase_reductions x WHERE x.purchase_id = p.id), 0)::integer AS "reduced!"
FROM trainer_allocations a
LEFT JOIN LATERAL (
  SELECT p.id, p.purchase_tier FROM student_course_purchases p
  WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active
  ORDER BY p.created_at, p.id
  LIMIT 1) p ON true
WHERE a.id = ANY($1)
