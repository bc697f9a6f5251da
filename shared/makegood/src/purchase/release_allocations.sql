-- Cancels the allocations of these pairs ($1 students, $2 courses), at $3, unless another purchase of the pair runs. Waits for whoever
-- schedules for them, so that the next statement sees what they wrote.
WITH released AS MATERIALIZED (
  SELECT a.id
  FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[]) AS u (student_id, course_id)) r
  JOIN trainer_allocations a ON a.student_id = r.student_id AND a.course_id = r.course_id
  WHERE a.status IN ('pending', 'approved', 'active')
    AND NOT EXISTS (SELECT FROM student_course_purchases p
                    WHERE p.student_id = r.student_id AND p.course_id = r.course_id AND p.is_active)
  ORDER BY a.id
  FOR UPDATE OF a
)
UPDATE trainer_allocations a SET status = 'cancelled', updated_at = $3
FROM released r WHERE a.id = r.id
