-- Removes what only a delivery needs from at most $2 checkouts that came to nothing before $1: the address with its notes, the link, the
-- form and the client's address. One that was paid all the same, or that an open case is about, may still be delivered. Both are asked for
-- by one row at a time (OFFSET 0): as a join, the planner may read all verifications.
UPDATE payment_intents i
SET shipping_address = NULL, gateway_payment_url = NULL, metadata = i.metadata - '{client,form_fields}'::text[]
WHERE i.payment_intent_id = ANY(ARRAY(
  SELECT p.payment_intent_id FROM payment_intents p
  WHERE p.status IN ('cancelled', 'expired', 'failed') AND p.shipping_address IS NOT NULL AND p.updated_at < $1
    AND NOT EXISTS (SELECT FROM payment_gateway_verifications v
                    WHERE v.payment_intent_id = p.payment_intent_id AND v.status <> 'failed' AND p.given_back_at IS NULL OFFSET 0)
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_intent_id = p.payment_intent_id AND k.status = 'open' OFFSET 0)
  ORDER BY p.updated_at LIMIT $2 FOR UPDATE SKIP LOCKED))
