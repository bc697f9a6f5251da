-- The scheduled sessions of these allocations ($1) from $2, the school's today, on, on whose day the student has one of another course, or the
-- trainer one with another student, each with the time of that. Whether both are at the same time is for who knows how times are spelled. What
-- the student's others have is read once, and not for each session; OFFSET 0 keeps the planner from reading all sessions of the school.
WITH others AS MATERIALIZED (
  SELECT a.id AS allocation_id, s.scheduled_date AS day, s.scheduled_time::text AS time
  FROM trainer_allocations a
  CROSS JOIN LATERAL (
    SELECT o.id FROM trainer_allocations o
    WHERE o.student_id = a.student_id AND o.course_id IS DISTINCT FROM a.course_id OFFSET 0) o
  CROSS JOIN LATERAL (
    SELECT s.scheduled_date, s.scheduled_time FROM tutoring_sessions s
    WHERE s.allocation_id = o.id AND s.scheduled_date >= $2 AND s.status = 'scheduled' OFFSET 0) s
  WHERE a.id = ANY($1)
), own AS MATERIALIZED (
  SELECT s.id, s.allocation_id, s.student_id, s.trainer_id, s.scheduled_date AS day, s.scheduled_time::text AS time
  FROM tutoring_sessions s
  WHERE s.allocation_id = ANY($1) AND s.scheduled_date >= $2 AND s.status = 'scheduled'
  ORDER BY s.scheduled_date, s.id
  LIMIT 500
)
SELECT s.allocation_id AS "allocation_id!", s.day AS "day!", s.time AS "time!", o.time AS "other!", false AS "is_trainers!"
FROM own s
JOIN others o ON o.allocation_id = s.allocation_id AND o.day = s.day
UNION ALL
SELECT s.allocation_id, s.day, s.time, o.time, true
FROM own s
CROSS JOIN LATERAL (
  SELECT t.scheduled_time::text AS time FROM tutoring_sessions t
  WHERE t.trainer_id = s.trainer_id AND t.scheduled_date = s.day AND t.status = 'scheduled' AND t.student_id <> s.student_id
  LIMIT 100) o
