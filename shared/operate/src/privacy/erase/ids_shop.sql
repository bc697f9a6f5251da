-- A buyer's rows go on under the pseudonym ($2) in place of the id ($1); a checkout that may still be paid is left alone.
WITH checked_out AS (
  UPDATE payment_intents i SET user_id = $2
  WHERE i.user_id = $1
    AND (i.status NOT IN ('pending', 'processing')
         OR EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = i.payment_intent_id))
  RETURNING 1
), bought AS (
  UPDATE orders SET user_id = $2 WHERE user_id = $1 RETURNING 1
)
SELECT (SELECT count(*) FROM checked_out) + (SELECT count(*) FROM bought) AS "rows!"
