-- Intents ($1) keep amounts, states, ids, goods, and of their metadata what the gateway was asked and what took their place ($2). The
-- buyer's idempotency key goes too: a checkout that is repeated finds no cart. One that may still be paid is left alone.
WITH held AS MATERIALIZED (
  SELECT i.payment_intent_id,
         CASE jsonb_typeof(i.metadata)
           WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k.key, k.value), '{}') FROM jsonb_each(i.metadata) k
                               WHERE k.key = ANY($2::text[]))
         END AS kept
  FROM payment_intents i
  WHERE i.payment_intent_id = ANY($1)
    AND (i.status NOT IN ('pending', 'processing')
         OR EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = i.payment_intent_id))
  ORDER BY i.payment_intent_id FOR UPDATE
)
UPDATE payment_intents i SET shipping_address = NULL, gateway_payment_url = NULL, idempotency_key = NULL, metadata = h.kept
FROM held h
WHERE i.payment_intent_id = h.payment_intent_id
  AND (i.shipping_address IS NOT NULL OR i.gateway_payment_url IS NOT NULL OR i.idempotency_key IS NOT NULL
       OR i.metadata IS DISTINCT FROM h.kept)
