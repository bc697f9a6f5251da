-- Cancels what is still to come of these pairs ($1 students, $2 courses) after $3, the school's own time, unless another purchase of the
-- pair runs. Gives back how many by pair; $4 is the instant. Today's session whose time can't be read is cancelled too: nobody could
-- say that it has begun.
WITH cancelled AS (
  UPDATE tutoring_sessions s SET status = 'cancelled', updated_at = $4
  FROM (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[]) AS u (student_id, course_id)) r
  JOIN trainer_allocations a ON a.student_id = r.student_id AND a.course_id = r.course_id
  WHERE s.allocation_id = a.id AND s.status = 'scheduled' AND s.scheduled_date >= $3::timestamp::date
    AND (s.scheduled_date > $3::timestamp::date
         OR CASE WHEN s.scheduled_time ~* '^\s*((0?[1-9]|1[0-2]):[0-5][0-9]\s*[ap]m|([01]?[0-9]|2[0-3]):[0-5][0-9])\s*$'
                 THEN s.scheduled_time::time > $3::timestamp::time ELSE true END)
    AND NOT EXISTS (SELECT FROM student_course_purchases p
                    WHERE p.student_id = r.student_id AND p.course_id = r.course_id AND p.is_active)
  RETURNING r.student_id, r.course_id
)
SELECT student_id AS "student_id!", course_id AS "course_id!", count(*) AS "sessions!" FROM cancelled GROUP BY student_id, course_id
