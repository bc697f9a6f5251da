-- Ends a run that failed, for its owner ($1 id, $2 attempts, $3 worker): for good, or until $7 seconds from now. $4 it would fail every
-- time, $5 the cause uses up an attempt, $6 how often one that does not is spared. Gives back whether it is for good; no row when
-- the lease had been taken away.
WITH judged AS (
  SELECT q.id, s.is_spared, $4 OR NOT s.is_spared AND q.attempts >= q.max_attempts AS is_final
  FROM job_queue q
  CROSS JOIN LATERAL (SELECT NOT $4::boolean AND NOT $5::boolean AND q.spared < $6::integer AS is_spared) s
  WHERE q.id = $1
)
UPDATE job_queue j
SET status = CASE WHEN d.is_final THEN 'failed' ELSE 'pending' END,
    failed_at = CASE WHEN d.is_final THEN now() END,
    scheduled_for = CASE WHEN d.is_final THEN j.scheduled_for ELSE now() + make_interval(secs => $7) END,
    max_attempts = j.max_attempts + d.is_spared::integer,
    spared = j.spared + d.is_spared::integer,
    locked_by = NULL, locked_until = NULL, updated_at = now(), cause = $8, last_error = $9
FROM judged d
WHERE j.id = d.id AND j.attempts = $2 AND j.locked_by = $3 AND j.status = 'processing'
RETURNING d.is_final AS "is_final!"
