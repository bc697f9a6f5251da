-- One payment ($1 provider, $2 what it is known by there) as the stage sees it: its intent, the final word if it is recorded, and
-- whose turn it is to ask. When nothing is recorded, nobody asked within $3 seconds and nobody is asking (for less than $4), the
-- question is taken in the same statement. Of several at once one gets the row; the others look at the condition again, at the
-- newest row, once it has committed. The number of the question is what its answer is noted under; when the gateway last said
-- that nothing was paid stays.
WITH payment AS MATERIALIZED (
  SELECT i.payment_intent_id, i.amount_cents AS amount_minor, i.currency, i.status, i.expires_at, v.status AS recorded,
         CASE WHEN n.answer IS NULL AND n.asked_at > now() - make_interval(secs => $4) THEN 'asking'
              WHEN n.answer IS NOT NULL AND n.answered_at > now() - make_interval(secs => $3) THEN 'answered'
              ELSE 'free' END AS turn,
         n.answer
  FROM payment_intents i
  LEFT JOIN payment_gateway_verifications v
    ON v.provider = i.provider AND v.external_transaction_id = i.external_transaction_id
  CROSS JOIN LATERAL (
    SELECT (i.metadata #>> '{gateway,asked_at}')::timestamptz AS asked_at,
           (i.metadata #>> '{gateway,answered_at}')::timestamptz AS answered_at,
           i.metadata #>> '{gateway,answer}' AS answer) n
  WHERE i.provider = $1 AND i.external_transaction_id = $2
), asked AS (
  UPDATE payment_intents i
  SET metadata = coalesce(i.metadata, '{}') || jsonb_build_object('gateway', jsonb_build_object(
        'asks', coalesce((i.metadata #>> '{gateway,asks}')::integer, 0) + 1, 'asked_at', now())
        || jsonb_strip_nulls(jsonb_build_object('unpaid_at', i.metadata #> '{gateway,unpaid_at}')))
  FROM payment p
  WHERE i.payment_intent_id = p.payment_intent_id AND p.recorded IS NULL AND p.turn = 'free'
    AND ((i.metadata #>> '{gateway,asked_at}') IS NULL
         OR (i.metadata #>> '{gateway,answer}') IS NULL
            AND (i.metadata #>> '{gateway,asked_at}')::timestamptz <= now() - make_interval(secs => $4)
         OR (i.metadata #>> '{gateway,answer}') IS NOT NULL
            AND (i.metadata #>> '{gateway,answered_at}')::timestamptz <= now() - make_interval(secs => $3))
  RETURNING (i.metadata #>> '{gateway,asks}')::integer AS asks
)
SELECT p.payment_intent_id AS "payment_intent_id!", p.amount_minor AS "amount_minor!", p.currency AS "currency!",
       p.status AS "status!", p.expires_at AS "expires_at?", p.recorded AS "recorded?", p.turn AS "turn!", p.answer AS "answer?",
       (SELECT a.asks FROM asked a) AS "asks?"
FROM payment p
