-- Which payment added how many sessions to a purchase that ran (docs/decisions/0054), and the end that it paid for: once a payment, so
-- that an event that comes again adds nothing.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS purchase_extensions (
  payment_id  uuid PRIMARY KEY,
  purchase_id uuid NOT NULL,
  sessions    integer NOT NULL CHECK (sessions BETWEEN 1 AND 500),
  ends_at     timestamptz,
  created_at  timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX IF NOT EXISTS idx_purchase_extensions_purchase ON purchase_extensions (purchase_id);
