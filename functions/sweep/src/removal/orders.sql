-- Removes the addresses and notes of at most $2 orders that are closed and were made before $1, and those of their checkouts. An order
-- that is not shipped or not delivered yet keeps them, and so does one that an open case is about. The rows are found by arrays of ids:
-- as joins, the planner may read all orders.
WITH due AS MATERIALIZED (
  SELECT o.id, i.payment_intent_id
  FROM orders o JOIN payment_intents i ON i.payment_intent_id = o.payment_intent_id
  WHERE o.status IN ('cancelled', 'delivered', 'refunded') AND (o.shipping_address IS NOT NULL OR o.notes IS NOT NULL)
    AND o.created_at < $1
    AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.payment_intent_id = o.payment_intent_id AND k.status = 'open')
  ORDER BY o.created_at LIMIT $2 FOR UPDATE SKIP LOCKED
), checkout AS (
  UPDATE payment_intents i
  SET shipping_address = NULL, gateway_payment_url = NULL, metadata = i.metadata - '{client,form_fields}'::text[]
  WHERE i.payment_intent_id = ANY(ARRAY(SELECT d.payment_intent_id FROM due d))
)
UPDATE orders o SET shipping_address = NULL, notes = NULL WHERE o.id = ANY(ARRAY(SELECT d.id FROM due d))
