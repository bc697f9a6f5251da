-- Orders ($1) keep number, amounts, state and goods.
WITH held AS MATERIALIZED (
  SELECT o.id FROM orders o
  WHERE o.id = ANY($1) AND (o.shipping_address IS NOT NULL OR o.notes IS NOT NULL OR o.metadata IS NOT NULL)
  ORDER BY o.id FOR UPDATE
)
UPDATE orders o SET shipping_address = NULL, notes = NULL, metadata = NULL FROM held h WHERE o.id = h.id
