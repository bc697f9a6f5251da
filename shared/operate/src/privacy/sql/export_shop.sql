-- All rows of a buyer's own, by table: of the buyer $1, of the intents $2, the orders $3 and the cart $4.
SELECT 'carts' AS "table!", to_jsonb(t) AS "row!" FROM carts t WHERE t.user_id = $1
UNION ALL SELECT 'cart_items', to_jsonb(t) FROM cart_items t WHERE t.cart_id = ANY($4)
UNION ALL SELECT 'payment_intents', to_jsonb(t) FROM payment_intents t WHERE t.user_id = $1
UNION ALL SELECT 'inventory_reservations', to_jsonb(t) FROM inventory_reservations t WHERE t.payment_intent_id = ANY($2)
UNION ALL SELECT 'payment_gateway_verifications', to_jsonb(t) FROM payment_gateway_verifications t WHERE t.payment_intent_id = ANY($2)
UNION ALL SELECT 'orders', to_jsonb(t) FROM orders t WHERE t.user_id = $1
UNION ALL SELECT 'order_items', to_jsonb(t) FROM order_items t WHERE t.order_id = ANY($3)
UNION ALL SELECT 'client_requests', to_jsonb(t) FROM client_requests t WHERE t.client = $1::uuid::text
