-- What one payment pays for beside its own row, and in which parts one order was paid (docs/decisions/0099).
--
-- payment_lines: a line is a row of `payments` of its own, so that each stage acts on it as on any other payment; here is whose it is.
-- payment_parts: what the provider took for one order in several payments. A part is no row of `payments`; its money counts for the
-- payment that is named here.
--
-- Locks: none; both tables are new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS payment_lines (
  line_id    uuid PRIMARY KEY,
  payment_id uuid NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS payment_lines_payment ON payment_lines (payment_id);

CREATE TABLE IF NOT EXISTS payment_parts (
  provider_payment_id text PRIMARY KEY,
  payment_id          uuid NOT NULL,
  order_id            text NOT NULL,
  amount_minor        bigint NOT NULL CHECK (amount_minor >= 0),
  currency            text NOT NULL,
  received_at         timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS payment_parts_payment ON payment_parts (payment_id);
