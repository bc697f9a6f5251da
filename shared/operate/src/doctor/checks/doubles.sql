-- G1, G2, G9: what is there twice. Counts the doubled keys; an example is the newest row of its key. $1: unique_active_purchase is
-- valid, $2: unique_active_allocation is. A valid unique index is the proof that its table holds no duplicates, and saves the scan.
WITH pairs AS MATERIALIZED (
  SELECT student_id, course_id FROM student_course_purchases
  WHERE NOT $1 AND is_active GROUP BY student_id, course_id HAVING count(*) > 1
), allocated AS MATERIALIZED (
  SELECT student_id, course_id FROM trainer_allocations
  WHERE NOT $2 AND status IN ('approved', 'active') AND course_id IS NOT NULL
  GROUP BY student_id, course_id HAVING count(*) > 1
), payers AS MATERIALIZED (
  SELECT payment_id FROM student_course_purchases
  WHERE payment_id IS NOT NULL GROUP BY payment_id HAVING count(*) > 1
), broken AS (
  SELECT 'two-active-purchases' AS code, newest.id, newest.created_at AS at
  FROM pairs JOIN LATERAL (
    SELECT p.id, p.created_at FROM student_course_purchases p
    WHERE p.student_id = pairs.student_id AND p.course_id = pairs.course_id AND p.is_active
    ORDER BY p.created_at DESC, p.id LIMIT 1) newest ON true
  UNION ALL
  SELECT 'two-allocations', newest.id, newest.created_at
  FROM allocated JOIN LATERAL (
    SELECT a.id, a.created_at FROM trainer_allocations a
    WHERE a.student_id = allocated.student_id AND a.course_id = allocated.course_id AND a.status IN ('approved', 'active')
    ORDER BY a.created_at DESC, a.id LIMIT 1) newest ON true
  UNION ALL
  SELECT 'payment-made-several', payers.payment_id, newest.created_at
  FROM payers JOIN LATERAL (
    SELECT max(p.created_at) AS created_at FROM student_course_purchases p WHERE p.payment_id = payers.payment_id) newest ON true
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
