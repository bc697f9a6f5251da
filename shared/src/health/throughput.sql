-- How many of each stage were made in each bucket: from $1 to $2, in steps of $3 seconds. Each branch is a range scan of an index.
-- Sessions are counted by the allocations that got their first ones: there is no index on when a session was made.
WITH made AS (
  SELECT 'payments' AS name, y.confirmed_at AS at FROM payments y
  WHERE y.status = 'succeeded' AND y.confirmed_at >= $1 AND y.confirmed_at <= $2
  UNION ALL
  SELECT 'purchases', p.created_at FROM student_course_purchases p WHERE p.created_at >= $1 AND p.created_at <= $2
  UNION ALL
  SELECT 'allocations', a.allocated_at FROM trainer_allocations a WHERE a.allocated_at >= $1 AND a.allocated_at <= $2
  UNION ALL
  SELECT 'orders', o.created_at FROM orders o WHERE o.created_at >= $1 AND o.created_at <= $2
)
SELECT m.name AS "name!", (floor(extract(epoch FROM m.at - $1::timestamptz) / $3::bigint))::bigint AS "bucket!",
       count(*) AS "count!"
FROM made m
GROUP BY 1, 2
