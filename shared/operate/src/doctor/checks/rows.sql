-- G1, from the other end: active purchases whose payment is not recorded, or says something else than what was made of it. One code a
-- field. $1 is now, $2 the grace in seconds. What the event said of amount and currency is in its mark. A course that the row does not
-- name is no finding: older rows may not have it. Purchases without a payment id are of the older system (decision 0002).
WITH made AS (
  SELECT p.id, p.created_at AS at, p.student_id, p.course_id, p.payment_id,
         -- What its own payment bought, without what others added, and before a part went back.
         p.purchase_tier - coalesce((SELECT sum(x.sessions) FROM purchase_extensions x WHERE x.purchase_id = p.id), 0)
           + coalesce((SELECT sum(x.sessions) FROM purchase_reductions x WHERE x.purchase_id = p.id), 0)
           AS purchase_tier
  FROM student_course_purchases p
  WHERE p.is_active AND p.payment_id IS NOT NULL AND p.created_at NOT BETWEEN $1::timestamptz - make_interval(secs => $2) AND $1 + interval '10 minutes'
), read AS (
  SELECT m.*, y.id AS recorded, y.student_id AS payer, y.amount_cents, y.currency, y.status,
         makegood_object(y.metadata) ->> 'courseId' AS course,
         coalesce(makegood_object(y.metadata) ->> 'purchaseTier', makegood_object(y.metadata) ->> 'sessionCount') AS tier,
         e.payload ->> 'amountCents' AS said_amount, e.payload ->> 'currency' AS said_currency
  FROM made m
  LEFT JOIN payments y ON y.id = m.payment_id
  LEFT JOIN processed_events e ON e.correlation_id = m.payment_id AND e.event_type = 'PURCHASE_CONFIRMED'
), broken AS (
  SELECT 'purchase-payment-missing' AS code, id, at FROM read WHERE recorded IS NULL
  UNION ALL
  SELECT 'purchase-student-differs', id, at FROM read WHERE payer <> student_id
  UNION ALL
  SELECT 'purchase-course-differs', id, at FROM read WHERE lower(btrim(course)) <> course_id::text
  UNION ALL
  SELECT 'purchase-amount-differs', id, at FROM read
  WHERE status = 'succeeded'
    AND CASE WHEN said_amount ~ '^[0-9]{1,18}$' THEN said_amount::bigint <> amount_cents ELSE false END
  UNION ALL
  SELECT 'purchase-currency-differs', id, at FROM read
  WHERE status = 'succeeded' AND upper(btrim(said_currency)) <> upper(btrim(currency))
  UNION ALL
  SELECT 'purchase-tier-differs', id, at FROM read
  WHERE status = 'succeeded' AND CASE WHEN tier ~ '^[0-9]{1,4}$' THEN tier::integer <> purchase_tier ELSE false END
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
