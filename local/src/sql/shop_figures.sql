-- What a run's checkouts ($1) came to, what its shelf ($2 variants) holds, and how many of the closed tabs ($3) were healed.
SELECT
  (SELECT count(*) FROM orders o WHERE o.payment_intent_id = ANY($1)) AS "orders!",
  (SELECT coalesce(sum(i.quantity), 0)::bigint FROM order_items i
   JOIN orders o ON o.id = i.order_id WHERE o.payment_intent_id = ANY($1)) AS "pieces_ordered!",
  (SELECT coalesce(sum(o.total_cents), 0)::bigint FROM orders o WHERE o.payment_intent_id = ANY($1)) AS "turnover_minor!",
  (SELECT coalesce(sum(s.quantity_available), 0)::bigint FROM inventory s WHERE s.variant_id = ANY($2)) AS "available!",
  (SELECT coalesce(sum(s.quantity_reserved), 0)::bigint FROM inventory s WHERE s.variant_id = ANY($2)) AS "reserved!",
  (SELECT coalesce(-sum(m.quantity_change), 0)::bigint FROM inventory_movements m
   WHERE m.variant_id = ANY($2) AND m.movement_type = 'sale') AS "sold!",
  (SELECT count(*) FROM inventory_reservations r WHERE r.payment_intent_id = ANY($1) AND r.status = 'consumed') AS "consumed!",
  (SELECT count(*) FROM inventory_reservations r WHERE r.payment_intent_id = ANY($1) AND r.status = 'released') AS "released!",
  (SELECT count(*) FROM inventory_reservations r WHERE r.payment_intent_id = ANY($1) AND r.status = 'expired') AS "expired!",
  (SELECT count(*) FROM orders o WHERE o.payment_intent_id = ANY($3)) AS "healed!"
