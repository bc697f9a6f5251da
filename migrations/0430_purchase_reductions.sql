-- By how many sessions a purchase holds less since a part of a payment went back (docs/decisions/0077): one row a payment, with the number that
-- is true by now, so that a refund that comes again takes nothing more.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS purchase_reductions (
  payment_id  uuid PRIMARY KEY,
  purchase_id uuid NOT NULL,
  sessions    integer NOT NULL CHECK (sessions BETWEEN 0 AND 500),
  updated_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_purchase_reductions_purchase ON purchase_reductions (purchase_id);
