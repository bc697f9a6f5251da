-- Ends those of these purchases ($1) that run, for this reason ($2), at $3.
WITH running AS MATERIALIZED (
  SELECT id FROM student_course_purchases WHERE id = ANY ($1) AND is_active ORDER BY id FOR NO KEY UPDATE
)
UPDATE student_course_purchases p
SET is_active = false, ended_at = $3, end_reason = $2, updated_at = $3
FROM running r WHERE p.id = r.id
RETURNING p.id, p.student_id, p.course_id, p.payment_id
