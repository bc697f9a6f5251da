-- The purchases that have to do with a course payment: its own ($1), this one ($2), and those of the pair ($3 student, $4 course)
-- that are active or nobody's.
SELECT p.id, p.payment_id, p.student_id, p.course_id, p.purchase_tier, p.is_active, p.created_at
FROM student_course_purchases p
WHERE p.payment_id = $1 OR p.id = $2
   OR (p.student_id = $3 AND p.course_id = $4 AND p.is_active)
ORDER BY p.created_at, p.id
LIMIT 50
