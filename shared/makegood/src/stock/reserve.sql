-- One reservation a line; the rows of `inventory` are locked already, so the order of this update does not matter.
WITH lines AS (
  SELECT l.variant_id, l.quantity FROM unnest($2::uuid[], $3::integer[]) AS l (variant_id, quantity)
), held AS (
  INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, status, expires_at)
  SELECT $1, variant_id, quantity, 'active', $4 FROM lines
)
UPDATE inventory i
SET quantity_reserved = i.quantity_reserved + w.quantity, reserved_written = i.reserved_written + w.quantity, version = i.version + 1, updated_at = now()
FROM (SELECT variant_id, sum(quantity)::integer AS quantity FROM lines GROUP BY variant_id) w
WHERE i.variant_id = w.variant_id
