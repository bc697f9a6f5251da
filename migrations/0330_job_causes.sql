-- Why a job failed (`cause`), how many of its runs were spared because they failed for another cause than its own fault (`spared`), and
-- how many because its worker never came back (`lost_workers`). See docs/decisions/0030.
--
-- Locks: ACCESS EXCLUSIVE on job_queue for as long as a catalogue change takes; constants as defaults rewrite nothing, and the
-- checks are not validated here. An older version writes rows without the three, which is what their defaults are for.

SET LOCAL lock_timeout = '3s';

ALTER TABLE job_queue ADD COLUMN IF NOT EXISTS cause text;
ALTER TABLE job_queue ADD COLUMN IF NOT EXISTS spared integer NOT NULL DEFAULT 0;
ALTER TABLE job_queue ADD COLUMN IF NOT EXISTS lost_workers integer NOT NULL DEFAULT 0;

DO $$
BEGIN
  IF NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = 'job_queue'::regclass AND conname = 'job_cause_known') THEN
    ALTER TABLE job_queue ADD CONSTRAINT job_cause_known
      CHECK (cause IN ('outage', 'drift', 'lock', 'worker_lost', 'own_fault')) NOT VALID;
  END IF;
END
$$;
