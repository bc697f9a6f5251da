-- Everything that a set of orders changes. Their intents, and those of the same checkouts, are locked already; here follow the stock in
-- variant order, then the jobs: who lost its lease is not in `done`, and then nothing is made for it.
--
-- One statement has one snapshot. So no row is changed twice in it: an intent, a reservation, a stock row, a cart's line belong to one
-- part each, and what several orders change of one row is summed first. Rows that others change meanwhile are locked before they are
-- read: a locked row is read, and changed, as it is then.
WITH request AS (
  SELECT r.* FROM unnest($1::uuid[], $2::integer[], $3::text[], $4::uuid[], $5::text[], $6::boolean[], $7::text[], $8::jsonb[], $9::uuid[])
    WITH ORDINALITY AS r (job_id, attempts, intent_id, order_id, order_number, takes_anew, event_id, event, correlation_id, place)
), ended AS (
  -- Open intents of the same checkouts, whose place an order takes.
  SELECT e.related_id, r.job_id, r.intent_id, i.metadata ->> 'checkout' AS checkout
  FROM unnest($10::text[], $11::text[]) AS e (related_id, intent_id)
  JOIN request r USING (intent_id)
  JOIN payment_intents i ON i.payment_intent_id = e.intent_id
), wanted AS MATERIALIZED (
  SELECT r.place, r.job_id, r.order_id, r.intent_id, r.takes_anew, i.cart_id, l.variant_id, sum(l.quantity)::integer AS quantity
  FROM request r
  JOIN payment_intents i ON i.payment_intent_id = r.intent_id
  CROSS JOIN LATERAL jsonb_to_recordset(i.items) AS l (variant_id uuid, quantity integer)
  WHERE r.order_id IS NOT NULL
  GROUP BY r.place, r.job_id, r.order_id, r.intent_id, r.takes_anew, i.cart_id, l.variant_id
), held AS MATERIALIZED (
  SELECT h.id, h.variant_id, o.job_id, o.takes_anew
  FROM (SELECT intent_id AS holder, job_id, takes_anew FROM request WHERE order_id IS NOT NULL
        UNION ALL SELECT related_id, job_id, true FROM ended) o
  JOIN inventory_reservations h ON h.payment_intent_id = o.holder AND h.status = 'active'
), stock AS MATERIALIZED (
  SELECT s.variant_id FROM inventory s
  WHERE s.variant_id IN (SELECT variant_id FROM wanted UNION SELECT variant_id FROM held)
  ORDER BY s.variant_id
  FOR UPDATE OF s
), done AS (
  -- The count is asked first, so that the stock is locked before any job is: a rescuer need not wait for who waits for stock.
  UPDATE job_queue j
  SET status = 'completed', completed_at = now(), updated_at = now(), locked_by = NULL, locked_until = NULL, last_error = NULL
  FROM request r
  WHERE j.id = r.job_id AND j.attempts = r.attempts AND j.locked_by = $12 AND j.status = 'processing'
    AND (SELECT count(*) FROM stock) >= 0
  RETURNING j.id
), made AS (
  INSERT INTO orders (id, order_number, user_id, payment_intent_id, payment_provider, status, subtotal_cents, total_cents, currency,
                      shipping_address, created_at, confirmed_at)
  SELECT r.order_id, r.order_number, i.user_id, i.payment_intent_id, i.provider, 'confirmed', i.amount_cents, i.amount_cents,
         i.currency, i.shipping_address, $13, $13
  FROM request r JOIN done d ON d.id = r.job_id JOIN payment_intents i ON i.payment_intent_id = r.intent_id
  WHERE r.order_id IS NOT NULL
  ORDER BY r.order_number
  ON CONFLICT (order_number) DO NOTHING
  RETURNING id, payment_intent_id
), items AS (
  INSERT INTO order_items (order_id, variant_id, product_id, vendor_id, sku, product_name, quantity, unit_price_cents,
                           total_price_cents)
  SELECT m.id, l.variant_id, l.product_id, l.vendor_id, l.sku, l.name, l.quantity, l.unit_price_cents,
         l.quantity * l.unit_price_cents
  FROM made m JOIN payment_intents i USING (payment_intent_id)
  CROSS JOIN LATERAL jsonb_to_recordset(i.items) AS l (variant_id uuid, product_id uuid, vendor_id uuid, sku text, name text,
                                                       quantity integer, unit_price_cents bigint)
), sold AS MATERIALIZED (
  SELECT w.* FROM wanted w JOIN made m ON m.id = w.order_id
), freed AS (
  UPDATE inventory_reservations h
  SET status = CASE WHEN held.takes_anew THEN 'released' ELSE 'consumed' END, updated_at = now()
  FROM held JOIN done d ON d.id = held.job_id
  WHERE h.id = held.id AND h.status = 'active'
  RETURNING h.variant_id, h.quantity
), anew AS (
  INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, status, expires_at)
  SELECT intent_id, variant_id, quantity, 'consumed', $13 FROM sold WHERE takes_anew
), lowered AS (
  UPDATE inventory s
  SET quantity_available = s.quantity_available - c.sold, quantity_reserved = greatest(0, s.quantity_reserved - c.freed),
      reserved_written = s.reserved_written - c.freed,
      version = s.version + 1, updated_at = now()
  FROM (SELECT variant_id, sum(sold)::integer AS sold, sum(freed)::integer AS freed
        FROM (SELECT variant_id, quantity AS sold, 0 AS freed FROM sold
              UNION ALL SELECT variant_id, 0, quantity FROM freed) each
        GROUP BY variant_id) c
  JOIN stock USING (variant_id)
  -- What is not there is not sold, whether a CHECK says so or not.
  WHERE s.variant_id = c.variant_id AND (c.sold = 0 OR s.quantity_available >= c.sold)
  RETURNING s.variant_id, s.quantity_available, c.sold
), noted AS (
  -- One an order and variant, each with what was left after it: the first of the set is the first here.
  INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type, reference_id)
  SELECT s.variant_id, 'sale', -s.quantity,
         l.quantity_available + l.sold - sum(s.quantity) OVER (PARTITION BY s.variant_id ORDER BY s.place), 'order', s.order_id
  FROM sold s JOIN lowered l USING (variant_id)
  ORDER BY s.place, s.variant_id
), cart_line AS MATERIALIZED (
  -- A buyer who changes the cart at this moment waits and changes what is left.
  SELECT c.id, c.quantity, b.quantity AS bought
  FROM cart_items c
  JOIN (SELECT cart_id, variant_id, sum(quantity)::integer AS quantity FROM sold GROUP BY cart_id, variant_id) b
    USING (cart_id, variant_id)
  ORDER BY c.id
  FOR UPDATE OF c
), gone AS (
  DELETE FROM cart_items c USING cart_line l WHERE c.id = l.id AND l.quantity <= l.bought
), kept AS (
  UPDATE cart_items c SET quantity = l.quantity - l.bought, updated_at = now()
  FROM cart_line l WHERE c.id = l.id AND l.quantity > l.bought
), settled AS (
  UPDATE payment_intents i SET status = 'succeeded', updated_at = $13
  FROM request r JOIN done d ON d.id = r.job_id
  WHERE i.payment_intent_id = r.intent_id AND i.status <> 'succeeded'
), replaced AS (
  UPDATE payment_intents i
  SET status = 'cancelled', updated_at = $13,
      metadata = coalesce(i.metadata, '{}') || jsonb_build_object('replaced_by', e.intent_id, 'checkout', e.checkout)
  FROM ended e JOIN done d ON d.id = e.job_id
  WHERE i.payment_intent_id = e.related_id AND i.status IN ('pending', 'processing')
), resolved AS (
  -- The cases that said that there could be no order. One about money that somebody asked back stays.
  UPDATE payment_cases c
  SET status = 'resolved', resolved_at = $13, resolved_by = $14, note = 'the order was made'
  FROM request r JOIN done d ON d.id = r.job_id
  WHERE c.payment_intent_id = r.intent_id AND c.status = 'open' AND c.details ? 'jobId' AND c.details ->> 'code' <> 'refund_requested'
  RETURNING c.id, c.kind, c.note, c.payment_intent_id
), audited AS (
  INSERT INTO audit_log (at, actor, action, subject, reason, details)
  SELECT $13, $14, 'case.resolve', 'case:' || c.id, c.note,
         jsonb_build_object('kind', c.kind, 'paymentIntentId', c.payment_intent_id)
  FROM resolved c
  ORDER BY c.id
), published AS (
  INSERT INTO outbox (event_id, event_type, topic, payload, correlation_id, claimed_until)
  SELECT r.event_id, $15, $16, r.event, r.correlation_id, now() + make_interval(secs => $17)
  FROM request r JOIN made m ON m.id = r.order_id
  ORDER BY r.place
  ON CONFLICT (event_id) DO NOTHING
  RETURNING id, event_id
)
SELECT r.job_id AS "job_id!", d.id IS NOT NULL AS "is_owner!", m.id IS NOT NULL AS "is_made!", p.id AS "outbox_id?",
       EXISTS (SELECT FROM sold s WHERE s.order_id = r.order_id AND s.variant_id NOT IN (SELECT variant_id FROM lowered))
         AS "lacks_stock!"
FROM request r
LEFT JOIN done d ON d.id = r.job_id
LEFT JOIN made m ON m.id = r.order_id
LEFT JOIN published p ON p.event_id = r.event_id
