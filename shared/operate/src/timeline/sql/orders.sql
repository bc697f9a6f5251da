-- The orders of an intent ($1), by right one, with how many items each has.
SELECT o.id, o.order_number, o.status, o.total_cents, o.currency, o.created_at,
       (SELECT count(*) FROM order_items l WHERE l.order_id = o.id) AS "items!"
FROM orders o WHERE o.payment_intent_id = $1
ORDER BY o.created_at, o.id
LIMIT 50
