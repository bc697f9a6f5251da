-- The lease of whoever sends a dead letter back to its source: the sending itself is outside any transaction, and a sender
-- that is killed leaves the letter to the next one.
--
-- Locks: ACCESS EXCLUSIVE on dead_letters for as long as a catalogue change takes: a nullable column without a default
-- rewrites nothing. After three seconds of waiting it gives up; `makegood migrate` then tries again.

SET LOCAL lock_timeout = '3s';

ALTER TABLE dead_letters ADD COLUMN IF NOT EXISTS claimed_until timestamptz;
