-- The purchases that have to do with a course payment: its own ($1), the one that it extended, this one ($2), and those of the pair
-- ($3 student, $4 course) that are active or nobody's.
SELECT p.id, p.payment_id, p.student_id, p.course_id, p.purchase_tier, p.is_active, p.created_at, p.ended_at, p.end_reason,
       makegood_object(p.metadata) -> 'notUnderstood' AS not_understood, x.sessions AS "extended_by?"
FROM student_course_purchases p
LEFT JOIN purchase_extensions x ON x.purchase_id = p.id AND x.payment_id = $1
WHERE p.payment_id = $1 OR p.id = $2
   OR p.id = (SELECT e.purchase_id FROM purchase_extensions e WHERE e.payment_id = $1)
   OR (p.student_id = $3 AND p.course_id = $4 AND p.is_active)
ORDER BY p.created_at, p.id
LIMIT 50
