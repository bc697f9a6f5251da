-- What quantity_reserved was after our own last change of it (docs/decisions/0105): where both differ, another hand has changed the counter,
-- and a checkout counts the active reservations anew before it believes it. NULL: not counted yet. And a plain checkout in one call, as
-- makegood_check_out_2 (0490), which leaves such a variant to the checkout in several statements. A name of its own: binaries of the
-- release before call the older one, which a later release drops.
--
-- Locks: ACCESS EXCLUSIVE on inventory, for a moment (a column without default).

SET LOCAL lock_timeout = '3s';

ALTER TABLE inventory ADD COLUMN IF NOT EXISTS reserved_written integer;

-- The limit of a wait is that of a transaction of ours (docs/reliability.md). Every table is read by key, whatever the statistics
-- say: sessions keep plans that were made when a shop had nothing yet. Each statement is planned once a session, not at each
-- of its first five calls, since the buyer's lock is held meanwhile.
CREATE OR REPLACE FUNCTION makegood_check_out_3(
  buyer uuid, intent_id text, provider text, least_cents bigint, accepted_cents bigint, address jsonb, key text,
  intent_metadata jsonb, client text, ends_at timestamptz, prices_until timestamptz,
  buyer_intents bigint, buyer_pieces bigint, address_intents bigint, address_pieces bigint,
  OUT reserved_cents bigint,
  OUT short_variants uuid[], OUT short_skus text[], OUT short_wanted bigint[], OUT short_available bigint[]
)
LANGUAGE plpgsql
SET lock_timeout = '2s'
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
  cart uuid;
  lines jsonb;
  total numeric;
  wanted bigint;
  variants uuid[];
  quantities integer[];
  is_plain boolean;
  is_dearer boolean;
  is_known boolean;
  is_counted boolean;
  open_intents bigint;
  held_pieces bigint;
  enough bigint;
BEGIN
  -- Each statement below must be younger than the locks before it.
  IF current_setting('transaction_isolation') <> 'read committed' THEN RETURN; END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('checkout:' || buyer, 0));

  SELECT (array_agg(l.cart_id))[1], array_agg(l.variant_id), array_agg(l.quantity), sum(l.quantity),
         sum(l.quantity::numeric * l.price_cents),
         bool_and(coalesce(l.is_for_sale, false)) AND count(DISTINCT l.variant_id) = count(*),
         jsonb_agg(jsonb_build_object('variant_id', l.variant_id, 'product_id', l.product_id, 'vendor_id', l.vendor_id,
                                      'sku', l.sku, 'name', l.name, 'quantity', l.quantity, 'unit_price_cents', l.price_cents)
                   ORDER BY l.added_at, l.id),
         bool_or(l.price_cents > l.price_snapshot_cents)
  INTO cart, variants, quantities, wanted, total, is_plain, lines, is_dearer
  FROM (SELECT c.id, c.added_at, c.cart_id, c.variant_id, c.quantity, c.price_snapshot_cents, a.sku, a.price_cents,
               p.id AS product_id, p.vendor_id, p.name,
               a.is_active AND p.is_active AND s.user_id IS NOT NULL AS is_for_sale
        FROM carts b
        JOIN cart_items c ON c.cart_id = b.id
        LEFT JOIN product_variants a ON a.id = c.variant_id
        LEFT JOIN products p ON p.id = a.product_id
        LEFT JOIN vendor_profiles s ON s.user_id = p.vendor_id
        WHERE b.user_id = buyer) l;
  IF is_plain IS NOT TRUE OR total < least_cents OR total > 9223372036854775807 THEN RETURN; END IF;
  -- A sum that the buyer accepted decides; without one, each price that the cart shows.
  IF coalesce(total > accepted_cents, is_dearer) THEN RETURN; END IF;

  -- The key, an open intent of this cart, or one of the last days that the checkout may be part of.
  SELECT coalesce(bool_or(i.idempotency_key = key OR i.metadata -> 'idempotency_keys' ? key
                          OR (i.cart_id = cart
                              AND (i.status IN ('pending', 'processing')
                                   OR (i.status <> 'succeeded' AND i.created_at > now() - interval '3 days')))), false),
         count(*) FILTER (WHERE i.status = 'pending'),
         coalesce(sum(CASE WHEN i.status = 'pending' THEN
                        (SELECT sum(r.quantity) FROM inventory_reservations r
                         WHERE r.payment_intent_id = i.payment_intent_id AND r.status = 'active') END), 0)
  INTO is_known, open_intents, held_pieces
  FROM payment_intents i WHERE i.user_id = buyer;
  IF is_known OR (buyer_intents > 0 AND open_intents >= buyer_intents)
    OR (buyer_pieces > 0 AND held_pieces + wanted > buyer_pieces) THEN
    RETURN;
  END IF;

  IF client IS NOT NULL AND (address_intents > 0 OR address_pieces > 0) THEN
    PERFORM pg_advisory_xact_lock(hashtextextended('checkout-address:' || client, 0));
    SELECT count(*), coalesce(sum(o.pieces), 0)
    INTO open_intents, held_pieces
    FROM (SELECT (SELECT sum(r.quantity) FROM inventory_reservations r
                  WHERE r.payment_intent_id = i.payment_intent_id AND r.status = 'active') AS pieces
          FROM payment_intents i
          WHERE i.status = 'pending' AND i.metadata ->> 'client' = client
          LIMIT CASE WHEN address_intents > 0 THEN address_intents ELSE 1000 END) o;
    IF (address_intents > 0 AND open_intents >= address_intents)
      OR (address_pieces > 0 AND held_pieces + wanted > address_pieces) THEN
      RETURN;
    END IF;
  END IF;

  -- The stock, in variant order as every writer takes it, and last: it is free again when this call ends. A counter that another hand has
  -- changed is counted anew first, in several statements.
  SELECT count(*) FILTER (WHERE w.quantity <= s.free), coalesce(bool_and(s.is_counted), true)
  INTO enough, is_counted
  FROM (SELECT v.variant_id, v.quantity_available::bigint - v.quantity_reserved AS free,
               v.reserved_written IS NOT DISTINCT FROM v.quantity_reserved AS is_counted
        FROM inventory v
        WHERE v.variant_id = ANY (variants) ORDER BY v.variant_id FOR UPDATE) s
  JOIN unnest(variants, quantities) AS w (variant_id, quantity) ON w.variant_id = s.variant_id;
  IF NOT is_counted THEN RETURN; END IF;
  IF enough < cardinality(variants) THEN
    SELECT array_agg(w.variant_id ORDER BY w.variant_id), array_agg(a.sku ORDER BY w.variant_id),
           array_agg(w.quantity::bigint ORDER BY w.variant_id), array_agg(w.free ORDER BY w.variant_id)
    INTO short_variants, short_skus, short_wanted, short_available
    FROM (SELECT u.variant_id, u.quantity, greatest(coalesce(v.quantity_available::bigint - v.quantity_reserved, 0), 0) AS free
          FROM unnest(variants, quantities) AS u (variant_id, quantity) LEFT JOIN inventory v ON v.variant_id = u.variant_id) w
    JOIN product_variants a ON a.id = w.variant_id
    WHERE w.quantity > w.free;
    RETURN;
  END IF;

  INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, amount_cents, status, items, shipping_address,
                               idempotency_key, metadata, expires_at, price_until)
  VALUES (intent_id, buyer, cart, provider, total, 'pending', lines, address, key, intent_metadata, ends_at, prices_until);
  INSERT INTO inventory_reservations (payment_intent_id, variant_id, quantity, status, expires_at)
  SELECT intent_id, w.variant_id, w.quantity, 'active', ends_at FROM unnest(variants, quantities) AS w (variant_id, quantity);
  UPDATE inventory v
  SET quantity_reserved = v.quantity_reserved + w.quantity, reserved_written = v.reserved_written + w.quantity,
      version = v.version + 1, updated_at = now()
  FROM unnest(variants, quantities) AS w (variant_id, quantity)
  WHERE v.variant_id = w.variant_id;
  reserved_cents := total;
END
$$;
