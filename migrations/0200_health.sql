-- What the console's plots need and no table remembers: how much waited, once a minute, and what each sweep did. Kept for fourteen
-- days by the sweep `health`.
--
-- Locks: none; both tables are new.

SET LOCAL lock_timeout = '3s';

CREATE TABLE IF NOT EXISTS health_samples (
  at    timestamptz NOT NULL,
  name  text NOT NULL,
  value bigint NOT NULL,
  PRIMARY KEY (at, name)
);

CREATE TABLE IF NOT EXISTS sweep_runs (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  sweep      text NOT NULL,
  started_at timestamptz NOT NULL,
  millis     bigint NOT NULL CHECK (millis >= 0),
  done       jsonb,
  error      text,
  CONSTRAINT sweep_run_ended_one_way CHECK ((done IS NULL) <> (error IS NULL))
);
CREATE INDEX IF NOT EXISTS idx_sweep_runs_sweep ON sweep_runs (sweep, id);
CREATE INDEX IF NOT EXISTS idx_sweep_runs_started ON sweep_runs (started_at);
