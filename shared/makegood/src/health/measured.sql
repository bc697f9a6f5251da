-- What was made in each bucket from $1 until before $2, in steps of $3 seconds, and how long it took from payment to purchase and from
-- payment to order, by the bucket in which it ended: p50 and p95, nearest rank, in whole milliseconds. Each branch is a range scan of
-- an index. Sessions are counted by the allocations that got their first ones: there is no index on when a session was made.
WITH made AS (
  SELECT 'payments' AS name, y.confirmed_at AS at, NULL::interval AS took FROM payments y
  WHERE y.status = 'succeeded' AND y.confirmed_at >= $1 AND y.confirmed_at < $2
  UNION ALL
  SELECT 'purchases', p.created_at, NULL FROM student_course_purchases p WHERE p.created_at >= $1 AND p.created_at < $2
  UNION ALL
  SELECT 'allocations', a.allocated_at, NULL FROM trainer_allocations a WHERE a.allocated_at >= $1 AND a.allocated_at < $2
  UNION ALL
  SELECT 'orders', o.created_at, NULL FROM orders o WHERE o.created_at >= $1 AND o.created_at < $2
  UNION ALL
  SELECT 'payment_to_purchase', p.created_at, p.created_at - y.confirmed_at
  FROM student_course_purchases p
  JOIN payments y ON y.id = p.payment_id
  WHERE p.created_at >= $1 AND p.created_at < $2 AND y.confirmed_at IS NOT NULL
  UNION ALL
  SELECT 'payment_to_order', o.created_at, o.created_at - v.verified_at
  FROM orders o
  JOIN LATERAL (SELECT min(v.verified_at) AS verified_at FROM payment_gateway_verifications v
                WHERE v.payment_intent_id = o.payment_intent_id AND v.status = 'success') v ON v.verified_at IS NOT NULL
  WHERE o.created_at >= $1 AND o.created_at < $2
), timed AS (
  SELECT m.name, floor(extract(epoch FROM m.at - $1::timestamptz) / $3::bigint)::bigint AS bucket,
         greatest((extract(epoch FROM m.took) * 1000)::bigint, 0) AS millis
  FROM made m
)
SELECT t.name AS "name!", t.bucket AS "bucket!", count(*) AS "count!",
       CASE WHEN t.name IN ('payment_to_purchase', 'payment_to_order')
            THEN percentile_disc(0.5) WITHIN GROUP (ORDER BY t.millis) END AS p50_millis,
       CASE WHEN t.name IN ('payment_to_purchase', 'payment_to_order')
            THEN percentile_disc(0.95) WITHIN GROUP (ORDER BY t.millis) END AS p95_millis
FROM timed t
GROUP BY t.name, t.bucket
