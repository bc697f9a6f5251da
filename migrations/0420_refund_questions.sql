-- When a gateway is asked next whether it gave a payment back (docs/decisions/0076). Null until it is asked for the first time, a day after the
-- payment was verified; infinity when it is asked no more.
--
-- Locks: ACCESS EXCLUSIVE on payment_gateway_verifications for one change of the catalogue; a nullable column rewrites no row.

SET LOCAL lock_timeout = '3s';

ALTER TABLE payment_gateway_verifications ADD COLUMN IF NOT EXISTS refund_question_at timestamptz;
