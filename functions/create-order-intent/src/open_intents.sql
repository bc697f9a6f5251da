-- These intents ($1), as far as they are pending or processing, the oldest first. Their rows are locked already.
SELECT i.payment_intent_id AS id, i.provider, i.amount_cents AS amount_minor, i.status, i.gateway_payment_url AS payment_url,
       i.metadata -> 'form_fields' AS form_fields, i.expires_at, i.metadata ->> 'fingerprint' AS fingerprint,
       i.metadata ->> 'checkout' AS checkout, i.items, i.shipping_address,
       EXISTS (SELECT FROM payment_gateway_verifications v
               WHERE v.payment_intent_id = i.payment_intent_id AND v.status = 'success') AS "is_paid!",
       EXISTS (SELECT FROM payment_cases c WHERE c.payment_intent_id = i.payment_intent_id) AS "has_case!"
FROM payment_intents i
WHERE i.payment_intent_id = ANY($1) AND i.status IN ('pending', 'processing')
ORDER BY i.created_at, i.payment_intent_id
