-- The newest intent of this buyer ($1) and cart ($2) that ended unpaid within three days, as long as the gateway is asked about it, holds
-- one of these variants ($3), and after which no order was made of the cart: it can still be paid. It becomes the first of its
-- checkout, unless it is part of one.
UPDATE payment_intents
SET metadata = coalesce(metadata, '{}') || jsonb_build_object('checkout', coalesce(metadata ->> 'checkout', payment_intent_id))
WHERE payment_intent_id = (
  SELECT i.payment_intent_id FROM payment_intents i
  WHERE i.user_id = $1 AND i.cart_id = $2 AND i.status IN ('cancelled', 'expired', 'failed')
    AND i.created_at > now() - interval '3 days'
    AND EXISTS (SELECT FROM jsonb_array_elements(i.items) e WHERE (e ->> 'variant_id')::uuid = ANY($3))
    AND NOT EXISTS (SELECT FROM orders o JOIN payment_intents p USING (payment_intent_id)
                    WHERE p.user_id = $1 AND p.cart_id = $2 AND o.created_at >= i.created_at)
  ORDER BY i.created_at DESC, i.payment_intent_id DESC
  LIMIT 1)
RETURNING metadata ->> 'checkout' AS "checkout!"
