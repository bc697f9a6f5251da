-- The order pipeline: payment intents, the stock reserved for them, the gateways' answers, jobs, orders.
--
-- Locks: none on tables that hold rows; the foreign keys take SHARE ROW EXCLUSIVE on tables made by 0004.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS payment_intents (
  payment_intent_id       text PRIMARY KEY,
  user_id                 uuid NOT NULL,
  cart_id                 uuid,
  provider                text NOT NULL CHECK (provider IN ('esewa', 'khalti')),
  external_transaction_id text,
  amount_cents            bigint NOT NULL CHECK (amount_cents >= 0),
  currency                text NOT NULL DEFAULT 'NPR',
  status                  text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'processing', 'succeeded', 'failed', 'cancelled', 'expired')),
  items                   jsonb NOT NULL,
  shipping_address        jsonb,
  gateway_payment_url     text,
  idempotency_key         text,
  metadata                jsonb,
  expires_at              timestamptz,
  created_at              timestamptz NOT NULL DEFAULT now(),
  updated_at              timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT unique_intent_transaction UNIQUE (provider, external_transaction_id),
  CONSTRAINT unique_intent_idempotency UNIQUE (user_id, idempotency_key)
);
CREATE INDEX IF NOT EXISTS idx_payment_intents_undecided ON payment_intents (created_at) WHERE status IN ('pending', 'processing');

CREATE TABLE IF NOT EXISTS inventory_reservations (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  payment_intent_id text NOT NULL REFERENCES payment_intents (payment_intent_id),
  variant_id        uuid NOT NULL REFERENCES product_variants (id),
  quantity          integer NOT NULL CHECK (quantity > 0),
  status            text NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'consumed', 'released', 'expired')),
  expires_at        timestamptz NOT NULL,
  created_at        timestamptz NOT NULL DEFAULT now(),
  updated_at        timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_reservations_intent ON inventory_reservations (payment_intent_id);
CREATE INDEX IF NOT EXISTS idx_reservations_active_variant ON inventory_reservations (variant_id) WHERE status = 'active';
CREATE INDEX IF NOT EXISTS idx_reservations_active_expiry ON inventory_reservations (expires_at) WHERE status = 'active';

-- Final answers only: a pending or ambiguous one is not recorded, so that it can't block the final one.
CREATE TABLE IF NOT EXISTS payment_gateway_verifications (
  id                      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  provider                text NOT NULL CHECK (provider IN ('esewa', 'khalti')),
  external_transaction_id text NOT NULL,
  payment_intent_id       text NOT NULL REFERENCES payment_intents (payment_intent_id),
  status                  text NOT NULL CHECK (status IN ('success', 'failed', 'amount_mismatch')),
  amount_verified         bigint,
  verification_response   jsonb,
  verified_at             timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT unique_verification UNIQUE (provider, external_transaction_id)
);
CREATE INDEX IF NOT EXISTS idx_verifications_intent ON payment_gateway_verifications (payment_intent_id);

-- A job is `processing` only under a lease: without one, no sweep could ever tell that its worker died.
CREATE TABLE IF NOT EXISTS job_queue (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  job_type        text NOT NULL,
  payload         jsonb NOT NULL,
  priority        integer NOT NULL DEFAULT 5,
  status          text NOT NULL DEFAULT 'pending'
    CHECK (status IN ('pending', 'processing', 'completed', 'failed', 'cancelled')),
  attempts        integer NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  max_attempts    integer NOT NULL DEFAULT 3 CHECK (max_attempts > 0),
  idempotency_key text CONSTRAINT unique_job_idempotency UNIQUE,
  locked_by       text,
  locked_until    timestamptz,
  scheduled_for   timestamptz NOT NULL DEFAULT now(),
  last_error      text,
  created_at      timestamptz NOT NULL DEFAULT now(),
  updated_at      timestamptz NOT NULL DEFAULT now(),
  completed_at    timestamptz,
  failed_at       timestamptz,
  CONSTRAINT job_processing_under_lease
    CHECK (status <> 'processing' OR (locked_by IS NOT NULL AND locked_until IS NOT NULL))
);
CREATE INDEX IF NOT EXISTS idx_job_queue_runnable ON job_queue (priority, created_at) WHERE status = 'pending';
CREATE INDEX IF NOT EXISTS idx_job_queue_leased ON job_queue (locked_until) WHERE status = 'processing';

CREATE TABLE IF NOT EXISTS orders (
  id                uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  order_number      text NOT NULL CONSTRAINT unique_order_number UNIQUE,
  user_id           uuid NOT NULL,
  payment_intent_id text NOT NULL CONSTRAINT unique_order_intent UNIQUE REFERENCES payment_intents (payment_intent_id),
  payment_provider  text NOT NULL,
  status            text NOT NULL DEFAULT 'confirmed'
    CHECK (status IN ('confirmed', 'processing', 'shipped', 'delivered', 'cancelled', 'refund_pending', 'refunded')),
  subtotal_cents    bigint NOT NULL,
  tax_cents         bigint NOT NULL DEFAULT 0,
  shipping_cents    bigint NOT NULL DEFAULT 0,
  total_cents       bigint NOT NULL,
  currency          text NOT NULL DEFAULT 'NPR',
  shipping_address  jsonb,
  notes             text,
  metadata          jsonb,
  created_at        timestamptz NOT NULL DEFAULT now(),
  confirmed_at      timestamptz
);
CREATE INDEX IF NOT EXISTS idx_orders_user ON orders (user_id, created_at);

CREATE TABLE IF NOT EXISTS order_items (
  id                 uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  order_id           uuid NOT NULL REFERENCES orders (id) ON DELETE CASCADE,
  variant_id         uuid NOT NULL,
  product_id         uuid NOT NULL,
  vendor_id          uuid NOT NULL,
  sku                text NOT NULL,
  product_name       text NOT NULL,
  quantity           integer NOT NULL CHECK (quantity > 0),
  unit_price_cents   bigint NOT NULL,
  total_price_cents  bigint NOT NULL,
  fulfillment_status text NOT NULL DEFAULT 'pending'
    CHECK (fulfillment_status IN ('pending', 'processing', 'shipped', 'delivered', 'cancelled'))
);
CREATE INDEX IF NOT EXISTS idx_order_items_order ON order_items (order_id);
