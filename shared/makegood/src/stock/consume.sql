-- Active reservations become a sale. The rows of `inventory` are locked already; the version that was read under the lock
-- ($3 by $2) must still be there, or the row is not touched and the caller sees that one is missing.
WITH taken AS (
  UPDATE inventory_reservations
  SET status = 'consumed', updated_at = now()
  WHERE payment_intent_id = $1 AND status = 'active'
  RETURNING variant_id, quantity
), lowered AS (
  UPDATE inventory i
  SET quantity_available = i.quantity_available - t.quantity, quantity_reserved = i.quantity_reserved - t.quantity,
      version = i.version + 1, updated_at = now()
  FROM (SELECT variant_id, sum(quantity)::integer AS quantity FROM taken GROUP BY variant_id) t
  JOIN unnest($2::uuid[], $3::integer[]) AS seen (variant_id, version) USING (variant_id)
  WHERE i.variant_id = t.variant_id AND i.version = seen.version
  RETURNING i.variant_id, t.quantity, i.quantity_available AS quantity_after
), noted AS (
  INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type, reference_id)
  SELECT variant_id, 'sale', -quantity, quantity_after, 'order', $4 FROM lowered
)
SELECT variant_id, quantity AS "quantity!", quantity_after FROM lowered ORDER BY variant_id
