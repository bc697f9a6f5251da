-- What the console's plots show of buckets that are over: counted by the sweep `health` once, and not at each look. Kept for
-- fourteen days, as the samples are.
--
-- Locks: none; the table is new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS health_buckets (
  step_seconds integer NOT NULL CHECK (step_seconds > 0),
  at           timestamptz NOT NULL,
  name         text NOT NULL,
  count        bigint NOT NULL CHECK (count >= 0),
  -- Of what takes time only, and none where nothing ended.
  p50_millis   bigint,
  p95_millis   bigint,
  PRIMARY KEY (step_seconds, at, name)
);
