-- What decides about these intents ($1), one row each. Their rows and those of their checkouts are locked already, by statements before
-- this one, so nothing here is older than the locks.
-- The items are read as far as they can be: what can't be is refused before anybody looks at what was found for it.
-- Stock is locked here only when it is counted ($2), or an intent of the set does not hold just what it wants, since who of them gets what is free must be
-- decided; then that of all intents of the set, in everybody's order. A locked row is read as it is now, however old the snapshot.
WITH intent AS MATERIALIZED (
  SELECT i.payment_intent_id, i.user_id, i.amount_cents, i.currency, i.items, i.given_back_at, i.metadata ->> 'checkout' AS checkout,
         -- Its gateway said, after its prices had ended, that it was not paid yet.
         coalesce((i.metadata #>> '{gateway,unpaid_at}')::timestamptz > i.price_until, false) AS is_late,
         EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = i.payment_intent_id) AS has_order
  FROM payment_intents i WHERE i.payment_intent_id = ANY($1)
), related AS MATERIALIZED (
  -- The other intents of the same checkouts.
  SELECT i.payment_intent_id, r.payment_intent_id AS other, o.order_number,
         r.status IN ('pending', 'processing')
           AND NOT EXISTS (SELECT FROM payment_gateway_verifications v
                           WHERE v.payment_intent_id = r.payment_intent_id AND v.status <> 'failed') AS is_open
  FROM intent i
  JOIN payment_intents r ON r.user_id = i.user_id AND r.metadata ->> 'checkout' = i.checkout
                        AND r.payment_intent_id <> i.payment_intent_id
  LEFT JOIN orders o ON o.payment_intent_id = r.payment_intent_id
), item AS MATERIALIZED (
  SELECT i.payment_intent_id, i.has_order, e.number,
         CASE WHEN t.variant ~ '^[0-9a-fA-F]{32}$' THEN t.variant::uuid END AS variant_id,
         CASE WHEN t.product ~ '^[0-9a-fA-F]{32}$' THEN t.product::uuid END AS product_id,
         CASE WHEN t.vendor ~ '^[0-9a-fA-F]{32}$' THEN t.vendor::uuid END AS vendor_id,
         CASE WHEN e.item ->> 'quantity' ~ '^[0-9]{1,9}$' THEN (e.item ->> 'quantity')::bigint END AS quantity,
         CASE WHEN e.item ->> 'unit_price_cents' ~ '^[0-9]{1,18}$' THEN (e.item ->> 'unit_price_cents')::bigint END AS price
  FROM intent i
  CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(i.items) WHEN 'array' THEN i.items ELSE '[]' END)
    WITH ORDINALITY AS e (item, number)
  CROSS JOIN LATERAL (SELECT translate(e.item ->> 'variant_id', '-{}', '') AS variant,
                             translate(e.item ->> 'product_id', '-{}', '') AS product,
                             translate(e.item ->> 'vendor_id', '-{}', '') AS vendor) t
), state AS (
  SELECT m.payment_intent_id, array_agg(v.id IS NOT NULL ORDER BY m.number) AS has_variant,
         array_agg(p.id IS NOT NULL ORDER BY m.number) AS has_product,
         array_agg(coalesce(v.is_active AND p.is_active, false) ORDER BY m.number) AS is_active,
         array_agg(s.user_id IS NOT NULL ORDER BY m.number) AS has_vendor,
         sum(m.quantity::numeric * v.price_cents) > sum(m.quantity::numeric * m.price) AS is_dearer
  FROM item m
  LEFT JOIN product_variants v ON v.id = m.variant_id
  LEFT JOIN products p ON p.id = m.product_id
  LEFT JOIN vendor_profiles s ON s.user_id = m.vendor_id
  GROUP BY m.payment_intent_id
), held AS MATERIALIZED (
  -- What an intent holds, and what ends with it.
  SELECT h.payment_intent_id, r.variant_id, sum(r.quantity)::bigint AS pieces
  FROM (SELECT payment_intent_id, payment_intent_id AS holder FROM intent WHERE NOT has_order
        UNION ALL SELECT payment_intent_id, other FROM related WHERE is_open) h
  JOIN inventory_reservations r ON r.payment_intent_id = h.holder AND r.status = 'active'
  GROUP BY h.payment_intent_id, r.variant_id
), unlike AS (
  -- Whether any of them does not hold just what it wants.
  SELECT 1 WHERE $2
  UNION ALL
  SELECT 1 FROM related WHERE is_open
  UNION ALL
  SELECT 1 FROM (SELECT payment_intent_id, variant_id, sum(quantity)::bigint AS pieces FROM item WHERE NOT has_order GROUP BY 1, 2) w
  FULL JOIN held h USING (payment_intent_id, variant_id)
  WHERE w.pieces IS DISTINCT FROM h.pieces
), level AS MATERIALIZED (
  SELECT s.variant_id, v.sku, s.quantity_available, s.quantity_reserved, s.reserved_written IS NOT DISTINCT FROM s.quantity_reserved AS is_counted
  FROM inventory s JOIN product_variants v ON v.id = s.variant_id
  WHERE s.variant_id IN (SELECT variant_id FROM item UNION SELECT variant_id FROM held) AND EXISTS (SELECT FROM unlike)
  ORDER BY s.variant_id
  FOR UPDATE OF s
), holding AS (
  SELECT payment_intent_id, array_agg(variant_id ORDER BY variant_id) AS variants, array_agg(pieces ORDER BY variant_id) AS pieces
  FROM held GROUP BY payment_intent_id
), shelf AS (
  SELECT m.payment_intent_id, array_agg(l.variant_id ORDER BY l.variant_id) AS variants,
         array_agg(l.sku ORDER BY l.variant_id) AS skus,
         array_agg(l.quantity_available ORDER BY l.variant_id) AS available,
         array_agg(l.quantity_reserved ORDER BY l.variant_id) AS reserved,
         array_agg(l.is_counted ORDER BY l.variant_id) AS counted
  FROM (SELECT DISTINCT payment_intent_id, variant_id FROM item) m JOIN level l USING (variant_id)
  GROUP BY m.payment_intent_id
)
SELECT i.payment_intent_id AS "payment_intent_id!", i.user_id AS "user_id!", i.amount_cents AS "amount_cents!",
       i.currency AS "currency!", i.items AS "items!", i.has_order AS "has_order!",
       (SELECT min(v.verified_at) FROM payment_gateway_verifications v
        WHERE v.payment_intent_id = i.payment_intent_id AND v.status = 'success') AS verified_at,
       i.given_back_at IS NOT NULL
         OR EXISTS (SELECT FROM payment_cases c
                    WHERE c.kind = 'refund_due' AND c.subject = i.payment_intent_id
                      AND (c.details ->> 'code' = 'refund_requested' OR c.status = 'resolved')) AS "refund_requested!",
       i.is_late AND coalesce(s.is_dearer, false) AS "price_ended!",
       (SELECT (array_agg(r.order_number ORDER BY r.other))[1] FROM related r
        WHERE r.payment_intent_id = i.payment_intent_id AND r.order_number IS NOT NULL) AS bought_as,
       ARRAY(SELECT r.other FROM related r
             WHERE r.payment_intent_id = i.payment_intent_id AND r.is_open ORDER BY r.other) AS "open!",
       coalesce(s.has_variant, '{}') AS "has_variant!", coalesce(s.has_product, '{}') AS "has_product!",
       coalesce(s.is_active, '{}') AS "is_active!", coalesce(s.has_vendor, '{}') AS "has_vendor!",
       coalesce(h.variants, '{}') AS "held_variants!", coalesce(h.pieces, '{}') AS "held_pieces!",
       coalesce(l.variants, '{}') AS "level_variants!", coalesce(l.skus, '{}') AS "level_skus!",
       coalesce(l.available, '{}') AS "level_available!", coalesce(l.reserved, '{}') AS "level_reserved!",
       coalesce(l.counted, '{}') AS "level_counted!"
FROM intent i
LEFT JOIN state s USING (payment_intent_id)
LEFT JOIN holding h USING (payment_intent_id)
LEFT JOIN shelf l USING (payment_intent_id)
