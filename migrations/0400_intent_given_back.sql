-- When all of an intent's money was known to be back (docs/decisions/0070). Null while it is not. An intent with it becomes no order.
--
-- Locks: ACCESS EXCLUSIVE on payment_intents for one change of the catalogue; a nullable column rewrites no row.

SET LOCAL lock_timeout = '3s';

ALTER TABLE payment_intents ADD COLUMN IF NOT EXISTS given_back_at timestamptz;
