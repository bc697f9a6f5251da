-- Which queues took an event that others did not take: `{"attempts": n, "queues": [urls]}`. A queue that took it is not sent it
-- again when the rest is tried again. It holds only while `attempts` still is n.
--
-- Locks: ACCESS EXCLUSIVE on outbox for as long as a catalogue change takes: a nullable column without a default rewrites
-- nothing. After three seconds of waiting it gives up; `makegood migrate` then tries again.

SET LOCAL lock_timeout = '3s';

ALTER TABLE outbox ADD COLUMN IF NOT EXISTS taken_by jsonb;
