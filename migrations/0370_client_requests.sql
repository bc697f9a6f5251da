-- How often each client asked within the last minute: verify-payment counts by address, order-status by buyer (docs/decisions/0058).
-- Unlogged: it is of no use after a crash, and a request must not wait for the write-ahead log. Free space on each page lets a row be
-- changed in place.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE UNLOGGED TABLE IF NOT EXISTS client_requests (
  scope    text NOT NULL,
  client   text NOT NULL,
  since    timestamptz NOT NULL,
  requests bigint NOT NULL,
  PRIMARY KEY (scope, client)
) WITH (fillfactor = 50);
