-- Frees the active reservations of these intents. Their rows and those of `inventory` are locked already. A counter that another hand has
-- lowered goes no lower than nothing (docs/decisions/0105).
WITH freed AS (
  UPDATE inventory_reservations
  SET status = $2, updated_at = now()
  WHERE payment_intent_id = ANY($1) AND status = 'active'
  RETURNING payment_intent_id, variant_id, quantity
), lowered AS (
  UPDATE inventory i
  SET quantity_reserved = greatest(0, i.quantity_reserved - f.quantity), reserved_written = i.reserved_written - f.quantity, version = i.version + 1, updated_at = now()
  FROM (SELECT variant_id, sum(quantity)::integer AS quantity FROM freed GROUP BY variant_id) f
  WHERE i.variant_id = f.variant_id
)
SELECT payment_intent_id, count(*) AS "reservations!", sum(quantity)::bigint AS "pieces!"
FROM freed GROUP BY payment_intent_id
