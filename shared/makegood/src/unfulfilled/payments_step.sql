-- One step of the walk over succeeded payments in the order in which they were paid: the $4 that come after ($1, $2) and before $3.
-- Gives back how many it walked, where it came to, and the ids of those for which no purchase was made about then. On a healthy
-- database that is nobody: both sides are range scans, and EXCEPT compares them as sets under every plan.
WITH page AS MATERIALIZED (
  SELECT y.id, COALESCE(y.confirmed_at, y.created_at) AS at
  FROM payments y
  WHERE y.status = 'succeeded'
    AND (COALESCE(y.confirmed_at, y.created_at), y.id) > ($1::timestamptz, $2::text::uuid)
    AND COALESCE(y.confirmed_at, y.created_at) < $3::timestamptz
  ORDER BY COALESCE(y.confirmed_at, y.created_at), y.id
  LIMIT $4
), span AS MATERIALIZED (
  SELECT count(*) AS walked, min(at) - interval '10 minutes' AS since, max(at) + interval '10 minutes' AS until FROM page
), unmade AS (
  SELECT id FROM page
  EXCEPT
  SELECT p.payment_id FROM student_course_purchases p
  WHERE p.created_at >= (SELECT since FROM span) AND p.created_at <= (SELECT until FROM span)
), place AS (
  SELECT at, id FROM page ORDER BY at DESC, id DESC LIMIT 1
)
SELECT span.walked AS "walked!", place.at AS "at?", place.id::text AS "key?",
       ARRAY(SELECT u.id::text FROM unmade u) AS "candidates!: Vec<String>"
FROM span LEFT JOIN place ON true
