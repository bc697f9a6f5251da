-- What an outage broke before its cause was kept: the error that such a job ended with begins with the class's code. With the cause
-- it heals by itself like any other (docs/decisions/0030).
--
-- Locks: the rows of failed jobs, which nobody else writes but a person who retries one.

SET LOCAL lock_timeout = '3s';

UPDATE job_queue
SET cause = CASE WHEN starts_with(last_error, 'lease_expired') THEN 'worker_lost'
                 WHEN starts_with(last_error, 'database_schema_drift:') OR starts_with(last_error, 'database_no_arbiter_index:') THEN 'drift'
                 WHEN starts_with(last_error, 'database_contention:') OR starts_with(last_error, 'contested:') THEN 'lock'
                 ELSE 'outage' END
WHERE status = 'failed' AND cause IS NULL
  AND last_error ~ '^(lease_expired|contested:|database_(unavailable|login_refused|contention|schema_drift|no_arbiter_index):)';
