-- G3: sessions ahead of a purchase's end, and of a trainer who left. $1 is the school's today, $2 its time zone. One example an allocation.
-- A purchase that ends on a day ends with that day; a pair that never had a purchase is older than purchases are.
WITH expired AS (
  SELECT a.id, max(s.scheduled_date) AS last, min(s.created_at) AS at
  FROM student_course_purchases p
  JOIN trainer_allocations a ON a.student_id = p.student_id AND a.course_id = p.course_id AND a.status IN ('approved', 'active')
  JOIN tutoring_sessions s ON s.allocation_id = a.id AND s.status = 'scheduled' AND s.scheduled_date >= $1::date
  WHERE p.is_active AND p.expiry_date IS NOT NULL
  GROUP BY a.id
  HAVING max(s.scheduled_date) > max((p.expiry_date AT TIME ZONE $2)::date)
), ended AS (
  SELECT a.id, a.created_at AS at
  FROM trainer_allocations a
  WHERE a.status IN ('approved', 'active')
    AND NOT EXISTS (SELECT FROM student_course_purchases p
                    WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND p.is_active)
    AND EXISTS (SELECT FROM student_course_purchases p
                WHERE p.student_id = a.student_id AND p.course_id = a.course_id AND NOT p.is_active)
    AND EXISTS (SELECT FROM tutoring_sessions s
                WHERE s.allocation_id = a.id AND s.status = 'scheduled' AND s.scheduled_date >= $1::date)
), abandoned AS (
  SELECT a.id, a.updated_at AS at
  FROM trainer_allocations a
  WHERE a.status IN ('cancelled', 'rejected')
    AND EXISTS (SELECT FROM tutoring_sessions s WHERE s.allocation_id = a.id AND s.status = 'scheduled' AND s.scheduled_date > $1::date)
), broken AS (
  SELECT 'session-beyond-end' AS code, id, at FROM expired
  UNION ALL
  SELECT 'session-beyond-end', id, at FROM ended
  UNION ALL
  SELECT 'session-of-left-trainer', id, at FROM abandoned
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
