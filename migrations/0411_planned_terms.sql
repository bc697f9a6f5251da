-- What the sessions ahead of an allocation were planned by: its trainer, and the time and the start date that it and its purchase named
-- then (docs/decisions/0072). Where that differs from the rows, they were changed by hand, and the sessions are planned anew. Null until an
-- allocation is looked at for the first time.
--
-- Locks: ACCESS EXCLUSIVE on trainer_allocations for one change of the catalogue; a nullable column rewrites no row.

SET LOCAL lock_timeout = '3s';

ALTER TABLE trainer_allocations ADD COLUMN IF NOT EXISTS planned jsonb;
