-- The scheduled sessions from $2, the school's today, on of the trainers of these allocations ($1), with their allocation and student. Whoever has
-- more than 500 of them ahead is no single person (70 students with a full window), and is left out; so what is read stays bounded.
-- In no order: without statistics the planner would read all that such a trainer has, to sort it.
WITH teaching AS MATERIALIZED (
  SELECT DISTINCT trainer_id FROM trainer_allocations
  WHERE id = ANY($1) AND trainer_id IS NOT NULL AND status IN ('approved', 'active')
)
SELECT t.trainer_id AS "trainer_id!",
       array_agg(s.allocation_id) AS "allocations!",
       array_agg(s.student_id) AS "students!",
       array_agg(s.scheduled_date) AS "days!",
       array_agg(s.scheduled_time::text) AS "times!"
FROM teaching t
CROSS JOIN LATERAL (
  SELECT s.allocation_id, s.student_id, s.scheduled_date, s.scheduled_time FROM tutoring_sessions s
  WHERE s.trainer_id = t.trainer_id AND s.scheduled_date >= $2 AND s.status = 'scheduled'
  LIMIT 501) s
GROUP BY t.trainer_id
HAVING count(*) <= 500
