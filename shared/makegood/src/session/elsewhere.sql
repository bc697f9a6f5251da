-- The scheduled sessions from $2, the school's today, on that the students of these allocations ($1) have in other courses. Those of the
-- same course are no other's: what an earlier allocation of the purchase left is moved to this one. OFFSET 0 keeps the planner from reading
-- all sessions of the school at once. Without statistics it takes a student for hundreds of allocations; of a list it expects ten, and so
-- does not compile (JIT) what takes a millisecond.
WITH others AS MATERIALIZED (
  SELECT a.id AS allocation_id, o.id, o.course_id
  FROM trainer_allocations a
  CROSS JOIN LATERAL (
    SELECT o.id, o.course_id FROM trainer_allocations o
    WHERE o.student_id = a.student_id AND o.course_id IS DISTINCT FROM a.course_id OFFSET 0) o
  WHERE a.id = ANY($1)
)
SELECT o.allocation_id AS "allocation_id!",
       array_agg(o.course_id) AS "courses!: Vec<Option<Uuid>>",
       array_agg(s.scheduled_date) AS "days!",
       array_agg(s.scheduled_time::text) AS "times!"
FROM unnest(ARRAY(SELECT DISTINCT id FROM others)) AS x (id)
CROSS JOIN LATERAL (
  SELECT s.scheduled_date, s.scheduled_time FROM tutoring_sessions s
  WHERE s.allocation_id = x.id AND s.scheduled_date >= $2 AND s.status = 'scheduled' OFFSET 0) s
JOIN others o ON o.id = x.id
GROUP BY o.allocation_id
