-- G7: jobs in dead hands, and jobs that nobody takes. $1 is now, $2 the stale-jobs sweep's interval in seconds: a lease may be
-- over for one sweep; a runnable job that two sweeps woke in vain is nobody's.
WITH broken AS (
  SELECT 'job-stuck' AS code, j.id, j.locked_until AS at
  FROM job_queue j
  WHERE j.status = 'processing'
    AND (j.locked_until IS NULL OR j.locked_until < $1::timestamptz - make_interval(secs => $2))
  UNION ALL
  SELECT 'job-untaken', j.id, j.scheduled_for
  FROM job_queue j
  WHERE j.status = 'pending' AND j.scheduled_for < $1::timestamptz - make_interval(secs => 2 * $2)
  UNION ALL
  SELECT 'job-lease-left', j.id, j.updated_at
  FROM job_queue j
  WHERE j.status <> 'processing' AND (j.locked_by IS NOT NULL OR j.locked_until IS NOT NULL)
  UNION ALL
  SELECT 'job-failed', j.id, j.failed_at
  FROM job_queue j
  WHERE j.status = 'failed'
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
