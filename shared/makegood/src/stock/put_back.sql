-- The pieces of these variants ($2) that an order ($1) took and that are not back by its movements. The rows of `inventory` are locked
-- already.
WITH missing AS (
  SELECT m.variant_id, -sum(m.quantity_change)::integer AS quantity FROM inventory_movements m
  WHERE m.reference_id = $1 AND m.reference_type = 'order' AND m.variant_id = ANY ($2)
  GROUP BY m.variant_id HAVING sum(m.quantity_change) < 0
), raised AS (
  UPDATE inventory i
  SET quantity_available = i.quantity_available + m.quantity, version = i.version + 1, updated_at = now()
  FROM missing m
  WHERE i.variant_id = m.variant_id
  RETURNING i.variant_id, m.quantity, i.quantity_available AS quantity_after
), noted AS (
  INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type, reference_id)
  SELECT variant_id, 'return', quantity, quantity_after, 'order', $1 FROM raised
)
SELECT coalesce(sum(quantity), 0)::bigint AS "pieces!" FROM raised
