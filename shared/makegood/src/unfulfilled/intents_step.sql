-- One step of the walk over intents that their gateway called paid, as payments_step.sql: those for which no order was made about then.
WITH page AS MATERIALIZED (
  SELECT v.id, v.payment_intent_id, v.verified_at AS at
  FROM payment_gateway_verifications v
  WHERE v.status = 'success' AND (v.verified_at, v.id) > ($1::timestamptz, $2::text::bigint) AND v.verified_at < $3::timestamptz
  ORDER BY v.verified_at, v.id
  LIMIT $4
), span AS MATERIALIZED (
  SELECT count(*) AS walked, min(at) - interval '10 minutes' AS since, max(at) + interval '10 minutes' AS until FROM page
), unmade AS (
  SELECT payment_intent_id FROM page
  EXCEPT
  SELECT o.payment_intent_id FROM orders o
  WHERE o.created_at >= (SELECT since FROM span) AND o.created_at <= (SELECT until FROM span)
), place AS (
  SELECT at, id FROM page ORDER BY at DESC, id DESC LIMIT 1
)
SELECT span.walked AS "walked!", place.at AS "at?", place.id::text AS "key?",
       ARRAY(SELECT u.payment_intent_id FROM unmade u) AS "candidates!: Vec<String>"
FROM span LEFT JOIN place ON true
