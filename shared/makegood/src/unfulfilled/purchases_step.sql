-- One step of the walk over active purchases, as payments_step.sql: those of a student and course that got no allocation about then,
-- and wait for none.
WITH page AS MATERIALIZED (
  SELECT p.id, p.student_id, p.course_id, p.created_at AS at
  FROM student_course_purchases p
  WHERE p.is_active AND (p.created_at, p.id) > ($1::timestamptz, $2::text::uuid) AND p.created_at < $3::timestamptz
  ORDER BY p.created_at, p.id
  LIMIT $4
), span AS MATERIALIZED (
  SELECT count(*) AS walked, min(at) - interval '10 minutes' AS since, max(at) + interval '10 minutes' AS until FROM page
), unallocated AS (
  SELECT student_id, course_id FROM page
  EXCEPT
  SELECT a.student_id, a.course_id FROM trainer_allocations a
  WHERE a.status IN ('approved', 'active') AND GREATEST(a.created_at, a.allocated_at) >= (SELECT since FROM span)
    AND GREATEST(a.created_at, a.allocated_at) <= (SELECT until FROM span)
), place AS (
  SELECT at, id FROM page ORDER BY at DESC, id DESC LIMIT 1
)
SELECT span.walked AS "walked!", place.at AS "at?", place.id::text AS "key?",
       ARRAY(SELECT p.id::text FROM page p JOIN unallocated u USING (student_id, course_id)) AS "candidates!: Vec<String>"
FROM span LEFT JOIN place ON true
