-- A student's rows go on under the pseudonym ($2) in place of the id ($1); $3 are the allocations. All of them at once, since they are
-- compared with each other. There are indexes on the students of purchases that run and of those that do not.
WITH paid AS (
  UPDATE payments SET student_id = $2 WHERE student_id = $1 RETURNING 1
), bought AS (
  UPDATE student_course_purchases SET student_id = $2 WHERE student_id = $1 AND (is_active OR NOT is_active) RETURNING 1
), taught AS (
  UPDATE trainer_allocations
  SET student_id = $2, requested_by = CASE WHEN requested_by = $1 THEN $2 ELSE requested_by END
  WHERE student_id = $1 RETURNING 1
), planned AS (
  UPDATE tutoring_sessions SET student_id = $2 WHERE allocation_id = ANY($3) AND student_id = $1 RETURNING 1
)
SELECT (SELECT count(*) FROM paid) + (SELECT count(*) FROM bought) + (SELECT count(*) FROM taught)
       + (SELECT count(*) FROM planned) AS "rows!"
