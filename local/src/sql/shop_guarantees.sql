-- How many rows of this run break each promise; zero is kept. $1 its checkouts, $2 what the gateways call paid by their own
-- names, $3 its variants and $4 how many of each were stocked.
WITH intents AS (
  SELECT * FROM payment_intents WHERE payment_intent_id = ANY($1)
), paid AS (
  SELECT * FROM intents WHERE external_transaction_id = ANY($2)
), ordered AS (
  SELECT o.*, i.amount_cents, i.items, i.external_transaction_id
  FROM orders o JOIN intents i USING (payment_intent_id)
), lines AS (
  SELECT o.id AS order_id, l.variant_id, l.quantity, l.unit_price_cents, l.total_price_cents
  FROM ordered o JOIN order_items l ON l.order_id = o.id
), shelf AS (
  SELECT s.*, a.stocked,
         coalesce((SELECT sum(l.quantity) FROM lines l WHERE l.variant_id = s.variant_id), 0) AS sold,
         coalesce((SELECT -sum(m.quantity_change) FROM inventory_movements m
                   WHERE m.variant_id = s.variant_id AND m.movement_type = 'sale'), 0) AS moved,
         coalesce((SELECT sum(r.quantity) FROM inventory_reservations r
                   WHERE r.variant_id = s.variant_id AND r.status = 'active'), 0) AS held
  FROM inventory s JOIN unnest($3::uuid[], $4::integer[]) AS a (variant_id, stocked) USING (variant_id)
)
SELECT
  -- G4: each order published once, and sent at the latest by the sweep, which runs each minute and heeds a lease.
  (SELECT count(*) FROM ordered o
   WHERE 1 <> (SELECT count(*) FROM outbox x
               WHERE x.event_id = 'order-confirmed-' || o.id
                 AND (x.published_at IS NOT NULL OR x.created_at > now() - interval '3 minutes'))
  ) AS "unpublished!",
  -- G5: what a gateway has money for.
  (SELECT count(*) FROM paid p
   WHERE NOT EXISTS (SELECT FROM payment_cases c
                     WHERE c.payment_intent_id = p.payment_intent_id AND c.status = 'open')
     AND 1 <> (SELECT count(*) FROM ordered o WHERE o.payment_intent_id = p.payment_intent_id
                 AND EXISTS (SELECT FROM lines l WHERE l.order_id = o.id))
  ) AS "unfulfilled!",
  -- ... and the other way round, to the last paisa and the last piece of the checkout's snapshot.
  (SELECT count(*) FROM ordered o
   WHERE o.external_transaction_id <> ALL ($2)
      OR o.total_cents <> o.amount_cents
      OR o.total_cents <> (SELECT sum(l.total_price_cents) FROM lines l WHERE l.order_id = o.id)
      OR EXISTS (SELECT FROM lines l WHERE l.order_id = o.id AND l.total_price_cents <> l.quantity * l.unit_price_cents)
      OR (SELECT array_agg((l.variant_id::text, l.quantity::bigint, l.unit_price_cents) ORDER BY l.variant_id::text)
          FROM lines l WHERE l.order_id = o.id)
         IS DISTINCT FROM
         (SELECT array_agg((s ->> 'variant_id', (s ->> 'quantity')::bigint, (s ->> 'unit_price_cents')::bigint)
                           ORDER BY s ->> 'variant_id')
          FROM jsonb_array_elements(o.items) s)
  ) AS "invented!",
  -- G6
  (SELECT count(*) FROM shelf s
   WHERE s.quantity_available < 0 OR s.quantity_reserved <> s.held OR s.held <> 0
      OR s.quantity_available + s.sold <> s.stocked OR s.moved <> s.sold
  ) AS "miscounted!",
  -- G7
  (SELECT count(*) FROM job_queue j JOIN intents i ON i.payment_intent_id = j.payload ->> 'payment_intent_id'
   WHERE (j.status = 'processing' AND j.locked_until < now())
      OR (j.status = 'failed' AND NOT EXISTS (SELECT FROM payment_cases c WHERE c.payment_intent_id = i.payment_intent_id))
  ) AS "stuck!"
