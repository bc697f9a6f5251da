-- What is open of a buyer ($1) in the shop; $2 are the programs that resolve cases.
SELECT 'intent-open' AS "code!", i.payment_intent_id AS "id!"
FROM payment_intents i
WHERE i.user_id = ANY($1) AND i.status IN ('pending', 'processing')
  AND NOT EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = i.payment_intent_id)
UNION ALL
SELECT 'intent-unfulfilled', i.payment_intent_id
FROM payment_intents i
WHERE i.user_id = ANY($1) AND i.given_back_at IS NULL
  AND (i.status = 'succeeded'
       OR EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = i.payment_intent_id AND v.status = 'success'))
  AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = i.payment_intent_id)
  AND NOT EXISTS (SELECT FROM payment_cases k
                  WHERE k.payment_intent_id = i.payment_intent_id AND k.kind <> 'given_back'
                    AND (k.status = 'open' OR coalesce(k.resolved_by, '') <> ALL ($2::text[])))
UNION ALL
SELECT CASE o.status WHEN 'refund_pending' THEN 'refund-due' ELSE 'order-not-shipped' END, o.order_number
FROM orders o WHERE o.user_id = ANY($1) AND o.status IN ('confirmed', 'processing', 'refund_pending')
