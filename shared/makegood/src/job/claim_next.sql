-- The next runnable job: the lowest priority number, then the oldest. Its cost does not depend on how many jobs wait for their
-- time: two windows of at most 32 rows a priority are read, the second only when the first has nothing.
--
-- A row is locked by its key, one at a time (the LIMIT keeps the subquery apart), so that the window itself locks nothing. Every
-- step is MATERIALIZED: whatever plan the update gets, each runs once and the limit is a limit.
WITH RECURSIVE head AS MATERIALIZED (
  -- The first jobs in their order, due or not.
  SELECT locked.id
  FROM (SELECT id, priority, created_at, scheduled_for FROM job_queue
        WHERE status = 'pending' ORDER BY priority, created_at LIMIT 32) first
  CROSS JOIN LATERAL (
    SELECT j.id FROM job_queue j
    WHERE j.id = first.id AND j.status = 'pending' AND j.scheduled_for <= now()
    LIMIT 1 FOR UPDATE SKIP LOCKED) locked
  WHERE first.scheduled_for <= now()
  ORDER BY first.priority, first.created_at LIMIT 1
), priorities AS (
  -- When jobs that are not due stand in front: each priority that there is, by one look at the index.
  (SELECT priority FROM job_queue
   WHERE status = 'pending' AND NOT EXISTS (SELECT FROM head) ORDER BY priority LIMIT 1)
  UNION ALL
  SELECT (SELECT j.priority FROM job_queue j
          WHERE j.status = 'pending' AND j.priority > p.priority ORDER BY j.priority LIMIT 1)
  FROM priorities p WHERE p.priority IS NOT NULL
), due AS MATERIALIZED (
  -- Of each priority those that are due the longest, and the oldest of these.
  SELECT locked.id
  FROM (SELECT longest.id, longest.priority, longest.created_at
        FROM priorities p
        CROSS JOIN LATERAL (
          SELECT j.id, j.priority, j.created_at FROM job_queue j
          WHERE j.status = 'pending' AND j.priority = p.priority AND j.scheduled_for <= now()
          ORDER BY j.scheduled_for LIMIT 32) longest
        ORDER BY longest.priority, longest.created_at) candidate
  CROSS JOIN LATERAL (
    SELECT j.id FROM job_queue j
    WHERE j.id = candidate.id AND j.status = 'pending' AND j.scheduled_for <= now()
    LIMIT 1 FOR UPDATE SKIP LOCKED) locked
  ORDER BY candidate.priority, candidate.created_at LIMIT 1
), next AS MATERIALIZED (
  SELECT id FROM head UNION ALL SELECT id FROM due
)
UPDATE job_queue j
SET status = 'processing', locked_by = $1, locked_until = now() + make_interval(secs => $2),
    attempts = j.attempts + 1, updated_at = now()
FROM next
WHERE j.id = next.id
RETURNING j.id, j.job_type, j.payload, j.attempts, j.max_attempts
