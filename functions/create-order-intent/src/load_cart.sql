-- The outer joins keep a line whose article is gone, so that the refusal can name it.
SELECT c.id AS cart_id, l.variant_id, l.quantity, l.price_snapshot_cents AS seen_minor,
       (a.id IS NOT NULL AND p.id IS NOT NULL AND s.user_id IS NOT NULL) AS "is_known!",
       coalesce(p.id, l.variant_id) AS "product_id!", coalesce(p.vendor_id, l.variant_id) AS "vendor_id!",
       coalesce(a.sku, '') AS "sku!", coalesce(p.name, '') AS "name!", coalesce(a.price_cents, 0) AS "price_minor!",
       coalesce(a.is_active AND p.is_active, false) AS "is_active!"
FROM carts c
JOIN cart_items l ON l.cart_id = c.id
LEFT JOIN product_variants a ON a.id = l.variant_id
LEFT JOIN products p ON p.id = a.product_id
LEFT JOIN vendor_profiles s ON s.user_id = p.vendor_id
WHERE c.user_id = $1
ORDER BY l.added_at, l.id
