-- The shop: vendors, products, carts, stock.
--
-- Locks: none; all tables are new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS vendor_profiles (
  user_id       uuid PRIMARY KEY,
  business_name text NOT NULL,
  contact_email text
);

CREATE TABLE IF NOT EXISTS products (
  id        uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  vendor_id uuid NOT NULL REFERENCES vendor_profiles (user_id),
  name      text NOT NULL,
  slug      text NOT NULL,
  is_active boolean NOT NULL DEFAULT true
);
CREATE INDEX IF NOT EXISTS idx_products_vendor ON products (vendor_id);

CREATE TABLE IF NOT EXISTS product_variants (
  id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  product_id  uuid NOT NULL REFERENCES products (id),
  sku         text NOT NULL CONSTRAINT unique_sku UNIQUE,
  price_cents bigint NOT NULL CHECK (price_cents >= 0),
  is_active   boolean NOT NULL DEFAULT true
);
CREATE INDEX IF NOT EXISTS idx_product_variants_product ON product_variants (product_id);

CREATE TABLE IF NOT EXISTS carts (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id    uuid NOT NULL CONSTRAINT unique_cart_user UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS cart_items (
  id                   uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  cart_id              uuid NOT NULL REFERENCES carts (id) ON DELETE CASCADE,
  variant_id           uuid NOT NULL REFERENCES product_variants (id),
  quantity             integer NOT NULL CHECK (quantity > 0),
  price_snapshot_cents bigint NOT NULL CHECK (price_snapshot_cents >= 0),
  added_at             timestamptz NOT NULL DEFAULT now(),
  updated_at           timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT unique_cart_item UNIQUE (cart_id, variant_id)
);

-- G6 as far as one row can hold it; the sums over reservations and movements are checked by `makegood doctor`.
CREATE TABLE IF NOT EXISTS inventory (
  variant_id         uuid PRIMARY KEY REFERENCES product_variants (id),
  quantity_available integer NOT NULL CONSTRAINT inventory_never_oversold CHECK (quantity_available >= 0),
  quantity_reserved  integer NOT NULL DEFAULT 0 CONSTRAINT inventory_reserved_not_negative CHECK (quantity_reserved >= 0),
  version            integer NOT NULL DEFAULT 0,
  updated_at         timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS inventory_movements (
  id              uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  variant_id      uuid NOT NULL REFERENCES product_variants (id),
  movement_type   text NOT NULL CHECK (movement_type IN ('sale', 'return', 'adjustment')),
  quantity_change integer NOT NULL,
  quantity_after  integer NOT NULL,
  reference_type  text,
  reference_id    uuid,
  created_at      timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS idx_inventory_movements_variant ON inventory_movements (variant_id, created_at);
CREATE INDEX IF NOT EXISTS idx_inventory_movements_reference ON inventory_movements (reference_id) WHERE reference_id IS NOT NULL;
