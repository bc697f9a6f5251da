-- How long it took from payment to purchase and from payment to order, by the bucket in which it ended: p50 and p95, nearest rank, in
-- whole milliseconds. $1 to $2, in steps of $3 seconds.
WITH ended AS (
  SELECT 'payment_to_purchase' AS name, p.created_at AS at, p.created_at - y.confirmed_at AS took
  FROM student_course_purchases p
  JOIN payments y ON y.id = p.payment_id
  WHERE p.created_at >= $1 AND p.created_at <= $2 AND y.confirmed_at IS NOT NULL
  UNION ALL
  SELECT 'payment_to_order', o.created_at, o.created_at - v.verified_at
  FROM orders o
  JOIN LATERAL (SELECT min(v.verified_at) AS verified_at FROM payment_gateway_verifications v
                WHERE v.payment_intent_id = o.payment_intent_id AND v.status = 'success') v ON v.verified_at IS NOT NULL
  WHERE o.created_at >= $1 AND o.created_at <= $2
), measured AS (
  SELECT e.name, floor(extract(epoch FROM e.at - $1::timestamptz) / $3::bigint)::bigint AS bucket,
         greatest((extract(epoch FROM e.took) * 1000)::bigint, 0) AS millis
  FROM ended e
)
SELECT m.name AS "name!", m.bucket AS "bucket!",
       percentile_disc(0.5) WITHIN GROUP (ORDER BY m.millis) AS "p50!",
       percentile_disc(0.95) WITHIN GROUP (ORDER BY m.millis) AS "p95!"
FROM measured m
GROUP BY m.name, m.bucket
