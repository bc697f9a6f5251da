-- Validates what 0341 added.
--
-- Locks: SHARE UPDATE EXCLUSIVE on payment_cases while it is read once; readers and writers pass.

SET LOCAL lock_timeout = '3s';

ALTER TABLE payment_cases VALIDATE CONSTRAINT payment_cases_kind_check;
