-- G5: paid intents and their orders. $1 is now, $2 the grace in seconds, $3 how many seconds past its end an intent may be
-- undecided, $4 the programs that resolve cases. Verified intents without order are found by the rule that reconcile has, too
-- (shared/makegood/src/unfulfilled); here are those that say that they succeeded and were never verified.
WITH paid AS (
  SELECT v.payment_intent_id, min(v.amount_verified) AS amount
  FROM payment_gateway_verifications v WHERE v.status = 'success' GROUP BY v.payment_intent_id
), items AS (
  SELECT l.order_id, sum(l.total_price_cents) AS total, bool_or(l.total_price_cents <> l.quantity * l.unit_price_cents) AS uneven
  FROM order_items l GROUP BY l.order_id
), broken AS (
  SELECT 'order-missing' AS code, i.payment_intent_id AS id, i.updated_at AS at
  FROM payment_intents i
  WHERE i.status = 'succeeded' AND i.updated_at < $1::timestamptz - make_interval(secs => $2)
    AND NOT EXISTS (SELECT FROM paid WHERE paid.payment_intent_id = i.payment_intent_id)
    AND NOT EXISTS (SELECT FROM orders o WHERE o.payment_intent_id = i.payment_intent_id)
    AND NOT EXISTS (SELECT FROM payment_cases k
                    WHERE k.payment_intent_id = i.payment_intent_id
                      AND (k.status = 'open'
                           OR coalesce(k.resolved_by, '') <> ALL ($4::text[])
                              AND coalesce(k.resolved_at, 'infinity') >= i.updated_at))
  UNION ALL
  SELECT 'two-orders', o.payment_intent_id, max(o.created_at)
  FROM orders o GROUP BY o.payment_intent_id HAVING count(*) > 1
  UNION ALL
  SELECT 'checkout-with-two-orders', min(i.payment_intent_id), max(o.created_at)
  FROM orders o JOIN payment_intents i USING (payment_intent_id)
  WHERE i.metadata ? 'checkout'
  GROUP BY i.user_id, i.metadata ->> 'checkout' HAVING count(DISTINCT i.payment_intent_id) > 1
  UNION ALL
  SELECT 'two-open-intents', min(i.payment_intent_id), max(i.created_at)
  FROM payment_intents i
  WHERE i.status IN ('pending', 'processing') AND i.cart_id IS NOT NULL
    AND NOT EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.payment_intent_id = i.payment_intent_id)
  GROUP BY i.user_id, i.cart_id HAVING count(*) > 1
  UNION ALL
  SELECT CASE WHEN items.order_id IS NULL THEN 'order-without-items' ELSE 'order-amount-differs' END, o.id::text, o.created_at
  FROM orders o
  JOIN payment_intents i USING (payment_intent_id)
  LEFT JOIN paid USING (payment_intent_id)
  LEFT JOIN items ON items.order_id = o.id
  WHERE items.order_id IS NULL OR items.uneven OR items.total <> o.subtotal_cents
     OR o.subtotal_cents + o.tax_cents + o.shipping_cents <> o.total_cents
     OR o.total_cents <> i.amount_cents OR o.currency <> i.currency OR o.total_cents <> paid.amount
  UNION ALL
  -- As finalize-order judges it, with the prices of today.
  SELECT 'order-below-price', o.id::text, o.created_at
  FROM orders o
  JOIN payment_intents i USING (payment_intent_id)
  WHERE (i.metadata #>> '{gateway,unpaid_at}')::timestamptz > i.price_until AND o.status NOT IN ('cancelled', 'refunded')
    AND (SELECT sum(l.quantity::numeric * (v.price_cents - l.unit_price_cents)) FROM order_items l JOIN product_variants v ON v.id = l.variant_id
         WHERE l.order_id = o.id) > 0
  UNION ALL
  SELECT 'order-unpaid', o.id::text, o.created_at
  FROM orders o
  WHERE NOT EXISTS (SELECT FROM paid WHERE paid.payment_intent_id = o.payment_intent_id)
  UNION ALL
  SELECT 'intent-undecided', i.payment_intent_id, i.expires_at
  FROM payment_intents i
  WHERE i.status IN ('pending', 'processing') AND i.expires_at < $1::timestamptz - make_interval(secs => $3)
    AND NOT EXISTS (SELECT FROM paid WHERE paid.payment_intent_id = i.payment_intent_id)
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
