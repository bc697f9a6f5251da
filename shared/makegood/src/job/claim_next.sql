-- The next runnable jobs, $3 at most: the lowest priority number, then the oldest. Its cost does not depend on how many jobs wait for
-- their time: two windows of at most twice $3 rows (32 at least) a priority are read, the second only when the first has nothing.
--
-- A row is locked by its key, one at a time (the LIMIT keeps the subquery apart), so that the window itself locks nothing. Every
-- step is MATERIALIZED: whatever plan the update gets, each runs once and the limit is a limit.
WITH RECURSIVE head AS MATERIALIZED (
  -- The first jobs in their order, due or not.
  SELECT locked.id, first.priority, first.created_at, first.spared, first.lost_workers
  FROM (SELECT id, priority, created_at, scheduled_for, spared, lost_workers FROM job_queue
        WHERE status = 'pending' ORDER BY priority, created_at LIMIT greatest(32, 2 * $3::integer)) first
  CROSS JOIN LATERAL (
    SELECT j.id FROM job_queue j
    WHERE j.id = first.id AND j.status = 'pending' AND j.scheduled_for <= now()
    LIMIT 1 FOR UPDATE SKIP LOCKED) locked
  WHERE first.scheduled_for <= now()
  ORDER BY first.priority, first.created_at LIMIT $3::integer
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
  SELECT locked.id, candidate.priority, candidate.created_at, candidate.spared, candidate.lost_workers
  FROM (SELECT longest.id, longest.priority, longest.created_at, longest.spared, longest.lost_workers
        FROM priorities p
        CROSS JOIN LATERAL (
          SELECT j.id, j.priority, j.created_at, j.spared, j.lost_workers FROM job_queue j
          WHERE j.status = 'pending' AND j.priority = p.priority AND j.scheduled_for <= now()
          ORDER BY j.scheduled_for LIMIT greatest(32, 2 * $3::integer)) longest
        ORDER BY longest.priority, longest.created_at) candidate
  CROSS JOIN LATERAL (
    SELECT j.id FROM job_queue j
    WHERE j.id = candidate.id AND j.status = 'pending' AND j.scheduled_for <= now()
    LIMIT 1 FOR UPDATE SKIP LOCKED) locked
  ORDER BY candidate.priority, candidate.created_at LIMIT $3::integer
), next AS MATERIALIZED (
  -- As many from the front as each of them may be claimed with: half as many each time a run was spared, none beside one whose
  -- worker never came back.
  SELECT id, row_number() OVER in_order AS place,
         min(CASE WHEN lost_workers > 0 THEN 1 ELSE greatest(1, $3::integer >> least(spared, 30)) END) OVER in_order AS most
  FROM (SELECT * FROM head UNION ALL SELECT * FROM due) found
  WINDOW in_order AS (ORDER BY priority, created_at, id ROWS UNBOUNDED PRECEDING)
)
UPDATE job_queue j
SET status = 'processing', locked_by = $1, locked_until = now() + make_interval(secs => $2),
    attempts = j.attempts + 1, updated_at = now()
FROM next
WHERE j.id = next.id AND next.place <= next.most
RETURNING j.id, j.job_type, j.payload, j.attempts, j.max_attempts, next.place AS "place!"
