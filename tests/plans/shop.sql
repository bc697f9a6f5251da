-- Part of data.sql: the shop. Nine of ten checkouts are paid; 300 are open, and 100 are paid and have no order yet.

INSERT INTO vendor_profiles (user_id, business_name) SELECT md5('vendor' || v)::uuid, 'Vendor ' || v
FROM generate_series(0, 19) v;
INSERT INTO products (id, vendor_id, name, slug)
SELECT md5('product' || p)::uuid, md5('vendor' || p % 20)::uuid, 'Product ' || p, 'product-' || p FROM generate_series(0, 199) p;
INSERT INTO product_variants (id, product_id, sku, price_cents)
SELECT md5('variant' || v)::uuid, md5('product' || v % 200)::uuid, 'SKU-' || v, 25000 FROM generate_series(0, 999) v;
CREATE FUNCTION plans.item(v bigint) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
  SELECT jsonb_build_object('variant_id', md5('variant' || v)::uuid, 'product_id', md5('product' || v % 200)::uuid,
                            'vendor_id', md5('vendor' || v % 200 % 20)::uuid, 'sku', 'SKU-' || v, 'name', 'Product ' || v % 200,
                              'quantity', 1,
                            'unit_price_cents', 25000) $$;

-- Variant 0 is in a third of all checkouts; every second has two lines.
CREATE UNLOGGED TABLE plans.checkout AS
SELECT n, at, 'pi_' || n AS intent, 'txn-' || n AS transaction, CASE WHEN n % 3 < 2 THEN 'esewa' ELSE 'khalti' END AS provider,
       CASE WHEN is_many THEN md5('many buys')::uuid ELSE md5('buyer' || n % (:rows / 4))::uuid END AS buyer,
       CASE WHEN is_many THEN md5('cart of many')::uuid ELSE md5('cart' || n % (:rows / 4))::uuid END AS cart,
       n % 10 <> 0 AS is_paid, md5('order' || n)::uuid AS ordered,
       CASE WHEN n % 3 = 0 THEN 0 ELSE 1 + n * 7919 % 499 END AS first, CASE WHEN n % 2 = 0 THEN 500 + n * 31 % 500 END AS second
FROM plans.moment;
INSERT INTO carts (id, user_id) SELECT DISTINCT cart, buyer FROM plans.checkout;
INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
SELECT DISTINCT ON (cart) cart, md5('variant' || 1 + n % 900)::uuid, 1, 25000 FROM plans.checkout WHERE n % 4 = 1;
INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, external_transaction_id, amount_cents, status, items,
                             shipping_address,
                             gateway_payment_url, idempotency_key, metadata, expires_at, created_at, updated_at)
SELECT intent, buyer, cart, provider, transaction, 25000 * (1 + (second IS NOT NULL)::integer),
       CASE WHEN is_paid THEN 'succeeded' ELSE (ARRAY['expired', 'cancelled', 'failed'])[n / 10 % 3 + 1] END,
       CASE WHEN second IS NULL THEN jsonb_build_array(plans.item(first))
            ELSE jsonb_build_array(plans.item(first), plans.item(second)) END,
       CASE WHEN n > :rows * 3 / 4 THEN '{"name": "A Buyer", "street": "Example Street 1", "city": "Kathmandu"}'::jsonb END,
       CASE WHEN n > :rows * 3 / 4 THEN 'https://pay.example.com/' || n END, 'key-' || n,
       jsonb_build_object('checkout', intent, 'fingerprint', md5(intent), 'client', '203.0.113.' || n % 250,
                          'gateway', jsonb_build_object('asks', 1, 'asked_at', at, 'answer', CASE WHEN is_paid THEN 'paid'
                            ELSE 'expired' END,
                                                        'answered_at', at)),
       at + interval '30 minutes', at - interval '2 minutes', at
FROM plans.checkout;
INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified,
                                           verification_response,
                                           verified_at, refund_question_at)
SELECT provider, transaction, intent, 'success', 25000 * (1 + (second IS NOT NULL)::integer),
       CASE WHEN n > :rows / 2 THEN '{"status": "COMPLETE"}'::jsonb END, at,
            CASE WHEN n <= :rows - 200 THEN 'infinity'::timestamptz END
FROM plans.checkout WHERE is_paid;
INSERT INTO orders (id, order_number, user_id, payment_intent_id, payment_provider, status, subtotal_cents, total_cents,
                    shipping_address, created_at,
                    confirmed_at)
SELECT ordered, 'ORD-20260101-' || lpad(n::text, 8, '0'), buyer, intent, provider,
       CASE WHEN n % 50 = 1 THEN 'cancelled' WHEN n > :rows - 1000 THEN 'confirmed' ELSE 'delivered' END,
            25000 * (1 + (second IS NOT NULL)::integer),
       25000 * (1 + (second IS NOT NULL)::integer),
       CASE WHEN n > :rows * 3 / 4 THEN '{"name": "A Buyer", "street": "Example Street 1", "city": "Kathmandu"}'::jsonb END,
            at + interval '2 seconds', at
FROM plans.checkout WHERE is_paid;
CREATE UNLOGGED TABLE plans.line AS
SELECT n, intent, ordered, is_paid, at, v, md5('variant' || v)::uuid AS variant
FROM plans.checkout CROSS JOIN LATERAL (VALUES (first), (second)) l (v) WHERE v IS NOT NULL;
INSERT INTO order_items (order_id, variant_id, product_id, vendor_id, sku, product_name, quantity, unit_price_cents,
                         total_price_cents,
                         fulfillment_status)
SELECT ordered, variant, md5('product' || v % 200)::uuid, md5('vendor' || v % 200 % 20)::uuid, 'SKU-' || v,
       'Product ' || v % 200, 1, 25000, 25000,
       CASE WHEN n > :rows - 1000 THEN 'pending' ELSE 'delivered' END
FROM plans.line WHERE is_paid;
INSERT INTO inventory_reservations (id, payment_intent_id, variant_id, quantity, status, expires_at, created_at, updated_at)
SELECT md5('reservation' || n || '-' || v)::uuid, intent, variant, 1, CASE WHEN is_paid THEN 'consumed' ELSE 'expired' END, at,
       at, at FROM plans.line;
INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type, reference_id,
    created_at)
SELECT variant, 'sale', -1, 100000, 'order', ordered, at FROM plans.line WHERE is_paid;
INSERT INTO refunds (id, provider, provider_refund_id, payment_intent_id, amount_minor, currency, status, told_at, created_at,
    updated_at)
SELECT md5('shop refund' || n)::uuid, provider, 'back-' || n, intent, 25000, 'NPR', 'processed', at, at + interval '3 days', at
FROM plans.checkout WHERE n % 50 = 1;
UPDATE payment_intents i SET given_back_at = c.at FROM plans.checkout c WHERE c.n % 50 = 1 AND i.payment_intent_id = c.intent;

-- 1 to 20 have no link yet, up to 200 wait for their buyer, the reservations of up to 300 are over, and up to 400 are paid.
-- Thirty share
-- an address; five of one buyer, 201 to 205, are of one cart.
CREATE TABLE plans.open_checkout AS
SELECT q, 'pi_open_' || q AS intent, md5('open buyer' || CASE WHEN q BETWEEN 201 AND 205 THEN 201 ELSE q END)::uuid AS buyer,
       md5('open cart' || CASE WHEN q BETWEEN 201 AND 205 THEN 201 ELSE q END)::uuid AS cart, q % 2 * (q % 300) AS v,
       now() - interval '8 minutes' - q * interval '1 second' AS at
FROM generate_series(1, 400) q;
INSERT INTO carts (id, user_id) SELECT DISTINCT cart, buyer FROM plans.open_checkout;
INSERT INTO cart_items (cart_id, variant_id, quantity, price_snapshot_cents)
SELECT cart, md5('variant' || v)::uuid, 1, 25000 FROM plans.open_checkout WHERE q NOT BETWEEN 202 AND 205;
INSERT INTO payment_intents (payment_intent_id, user_id, cart_id, provider, external_transaction_id, amount_cents, status, items,
                             shipping_address,
                             gateway_payment_url, idempotency_key, metadata, expires_at, created_at, updated_at)
SELECT intent, buyer, cart, 'esewa', CASE WHEN q > 20 THEN 'txn-open-' || q END, 25000, CASE WHEN q > 300 THEN 'processing'
       ELSE 'pending' END,
       jsonb_build_array(plans.item(v)), '{"name": "A Buyer", "street": "Example Street 1"}',
       CASE WHEN q > 20 THEN 'https://pay.example.com/open' || q END, 'key-open-' || q,
       jsonb_build_object('checkout', intent, 'fingerprint', md5(intent), 'client', CASE WHEN q <= 30 THEN '198.51.100.7'
         ELSE '198.51.100.' || q END)
       || CASE WHEN q > 100 THEN jsonb_build_object('gateway',
         jsonb_build_object('asks', 1, 'asked_at', at + interval '1 minute')) ELSE '{}' END,
       CASE WHEN q BETWEEN 201 AND 300 THEN now() - interval '1 minute' ELSE now() + interval '22 minutes' END, at, at
FROM plans.open_checkout;
INSERT INTO inventory_reservations (id, payment_intent_id, variant_id, quantity, status, expires_at, created_at)
SELECT md5('open reservation' || q)::uuid, intent, md5('variant' || v)::uuid, 1, 'active',
       CASE WHEN q BETWEEN 201 AND 300 THEN now() - interval '1 minute' ELSE now() + interval '22 minutes' END, at
FROM plans.open_checkout;
INSERT INTO payment_gateway_verifications (provider, external_transaction_id, payment_intent_id, status, amount_verified,
    verified_at)
SELECT 'esewa', 'txn-open-' || q, intent, 'success', 25000, now() - interval '5 minutes' FROM plans.open_checkout WHERE q > 300;
INSERT INTO unfulfilled (kind, id, since) SELECT 'intent', intent, at FROM plans.open_checkout WHERE q > 300;
INSERT INTO inventory (variant_id, quantity_available, quantity_reserved, reserved_written)
SELECT v.id, 100000, coalesce(r.held, 0), coalesce(r.held, 0) FROM product_variants v
LEFT JOIN (SELECT variant_id, sum(quantity) AS held FROM inventory_reservations WHERE status = 'active'
  GROUP BY 1) r ON r.variant_id = v.id;
INSERT INTO inventory_movements (variant_id, movement_type, quantity_change, quantity_after, reference_type)
SELECT i.variant_id, 'adjustment', 100000 + coalesce(s.sold, 0), 100000 + coalesce(s.sold, 0), 'stocking'
FROM inventory i LEFT JOIN (SELECT variant_id, count(*) AS sold FROM order_items GROUP BY 1) s USING (variant_id);

-- Jobs: each order's is done; 60 may be taken, 20 are in work, the workers of 20 never came back; 2,000 are not due, 200 failed.
INSERT INTO job_queue (id, job_type, payload, priority, idempotency_key, status, attempts, scheduled_for, created_at, updated_at,
    completed_at)
SELECT md5('job' || n)::uuid, 'finalize_order', jsonb_build_object('payment_intent_id', intent, 'provider', provider), 1,
       'payment_' || provider || '_' || transaction, 'completed', 1, at, at, at + interval '2 seconds', at + interval '2 seconds'
FROM plans.checkout WHERE is_paid;
INSERT INTO job_queue (id, job_type, payload, priority, idempotency_key, status, attempts, locked_by, locked_until,
    scheduled_for, created_at)
SELECT md5('open job' || q)::uuid, 'finalize_order', jsonb_build_object('payment_intent_id', intent, 'provider', 'esewa'), 1,
       'payment_esewa_txn-open-' || q, CASE WHEN q > 360 THEN 'processing' ELSE 'pending' END, CASE WHEN q > 360 THEN 1
         ELSE 0 END,
       CASE WHEN q > 380 THEN 'lost' WHEN q > 360 THEN 'worker' END,
       CASE WHEN q > 380 THEN now() - interval '2 minutes' WHEN q > 360 THEN now() + interval '1 day' END, at, at
FROM plans.open_checkout WHERE q > 300;
INSERT INTO job_queue (id, job_type, payload, priority, idempotency_key, scheduled_for, created_at)
SELECT md5('later job' || j)::uuid, 'finalize_order', jsonb_build_object('payment_intent_id', 'later-' || j), 1 + j % 3,
       'later-' || j,
       now() + interval '1 day', now() - interval '2 days'
FROM generate_series(1, 2000) j;
INSERT INTO job_queue (id, job_type, payload, priority, idempotency_key, status, attempts, cause, last_error, scheduled_for,
    created_at, failed_at)
SELECT md5('failed job' || j)::uuid, 'finalize_order', jsonb_build_object('payment_intent_id', 'pi_' || 10 * j, 'provider',
       'esewa'), 1, 'failed-' || j, 'failed',
       3, CASE WHEN j <= 100 THEN 'outage' ELSE 'own_fault' END, 'it failed', now() - interval '5 hours',
         now() - interval '5 hours', now() - interval '4 hours'
FROM generate_series(1, 200) j;
