-- The kind of a case given_back: the money went back, and a person says what that ends. The same constraint under the same name, with one
-- more value; 0354 validates it.
--
-- Locks: ACCESS EXCLUSIVE on payment_cases for two changes of the catalogue; NOT VALID reads no row. Every row satisfied the narrower
-- constraint, so nothing that is there can break this one.

SET LOCAL lock_timeout = '3s';

ALTER TABLE payment_cases DROP CONSTRAINT IF EXISTS payment_cases_kind_check;
ALTER TABLE payment_cases ADD CONSTRAINT payment_cases_kind_check
  CHECK (kind IN ('surplus_payment', 'refund_due', 'amount_mismatch', 'unfulfillable',
                  'unpriced_payment', 'dispute', 'statement_gap', 'unknown_payment', 'given_back')) NOT VALID;
