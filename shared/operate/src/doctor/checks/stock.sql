-- G6: the stock and its books. $1 is now, $2 how many seconds past its end a reservation may hold stock.
--
-- Stocked is what the movements of type adjustment and return put there, sold what those of type sale took: their sum is what
-- must be available. A variant whose stock nobody ever put there by an adjustment has no books to compare.
WITH held AS (
  SELECT r.variant_id, sum(r.quantity) AS quantity FROM inventory_reservations r WHERE r.status = 'active' GROUP BY r.variant_id
), booked AS (
  SELECT m.variant_id, sum(m.quantity_change) AS quantity FROM inventory_movements m
  GROUP BY m.variant_id HAVING bool_or(m.movement_type = 'adjustment')
), taken AS (
  SELECT m.reference_id AS order_id, m.variant_id, -sum(m.quantity_change) AS quantity FROM inventory_movements m
  WHERE m.movement_type = 'sale' AND m.reference_type = 'order' GROUP BY m.reference_id, m.variant_id
), bought AS (
  SELECT l.order_id, l.variant_id, sum(l.quantity) AS quantity FROM order_items l GROUP BY l.order_id, l.variant_id
), broken AS (
  SELECT 'stock-negative' AS code, i.variant_id::text AS id, i.updated_at AS at
  FROM inventory i WHERE i.quantity_available < 0 OR i.quantity_reserved < 0
  UNION ALL
  SELECT 'stock-oversold', i.variant_id::text, i.updated_at
  FROM inventory i WHERE i.quantity_reserved > greatest(i.quantity_available, 0)
  UNION ALL
  SELECT 'reserved-differs', i.variant_id::text, i.updated_at
  FROM inventory i LEFT JOIN held USING (variant_id)
  WHERE i.quantity_reserved <> coalesce(held.quantity, 0)
  UNION ALL
  SELECT 'stock-differs', i.variant_id::text, i.updated_at
  FROM inventory i JOIN booked USING (variant_id)
  WHERE i.quantity_available <> booked.quantity
  UNION ALL
  SELECT 'sold-differs', d.order_id::text, o.created_at
  FROM (SELECT DISTINCT order_id FROM taken FULL JOIN bought USING (order_id, variant_id)
        WHERE taken.quantity IS DISTINCT FROM bought.quantity) d
  LEFT JOIN orders o ON o.id = d.order_id
  UNION ALL
  SELECT 'reservation-overdue', r.payment_intent_id, min(r.expires_at)
  FROM inventory_reservations r
  JOIN payment_intents p USING (payment_intent_id)
  WHERE r.status = 'active' AND r.expires_at < $1::timestamptz - make_interval(secs => $2)
    AND p.status NOT IN ('succeeded', 'processing')
    AND NOT EXISTS (SELECT FROM payment_gateway_verifications v
                    WHERE v.payment_intent_id = p.payment_intent_id AND v.status = 'success')
  GROUP BY r.payment_intent_id
  UNION ALL
  SELECT 'reservation-not-consumed', r.payment_intent_id, min(r.created_at)
  FROM inventory_reservations r
  JOIN orders o USING (payment_intent_id)
  WHERE r.status = 'active'
  GROUP BY r.payment_intent_id
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
