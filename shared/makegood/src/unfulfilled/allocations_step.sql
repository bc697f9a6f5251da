-- One step of the walk over approved and active allocations, as payments_step.sql: those without a session ahead of $5, the school's
-- today. The row's own order keeps the look into the calendars to one entry each: `OFFSET 0` forbids a plan that reads all of them.
WITH page AS MATERIALIZED (
  SELECT a.id, GREATEST(a.created_at, a.allocated_at) AS at
  FROM trainer_allocations a
  WHERE a.status IN ('approved', 'active')
    AND (GREATEST(a.created_at, a.allocated_at), a.id) > ($1::timestamptz, $2::text::uuid)
    AND GREATEST(a.created_at, a.allocated_at) < $3::timestamptz
  ORDER BY GREATEST(a.created_at, a.allocated_at), a.id
  LIMIT $4
), place AS (
  SELECT at, id FROM page ORDER BY at DESC, id DESC LIMIT 1
)
SELECT (SELECT count(*) FROM page) AS "walked!", place.at AS "at?", place.id::text AS "key?",
       ARRAY(SELECT p.id::text FROM page p
             WHERE NOT EXISTS (SELECT FROM tutoring_sessions s
                               WHERE s.allocation_id = p.id AND s.scheduled_date >= $5 AND s.status = 'scheduled'
                               OFFSET 0)) AS "candidates!: Vec<String>"
FROM (SELECT) one LEFT JOIN place ON true
