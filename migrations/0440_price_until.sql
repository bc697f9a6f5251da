-- Until when a checkout's prices hold (docs/decisions/0078). Null on intents of an older release, whose prices have no end.
--
-- Locks: ACCESS EXCLUSIVE on payment_intents for one change of the catalogue; a nullable column rewrites no row.

SET LOCAL lock_timeout = '3s';

ALTER TABLE payment_intents ADD COLUMN IF NOT EXISTS price_until timestamptz;
