-- Makes jobs runnable again that failed for another cause than their own fault and whose turn it is: the $5 that failed longest ago,
-- each with $7 attempts. The pause is a quarter of the age at which the job failed, between $1 and $2 seconds; after $3 seconds of age
-- it is a person's. An order's job ($4) is left alone while a person has its intent: another case than the job's own is open, or a
-- person resolved one ($6 are the programs that resolve cases).
WITH due AS MATERIALIZED (
  SELECT j.id
  FROM job_queue j
  WHERE j.status = 'failed' AND j.cause IN ('outage', 'drift', 'lock', 'worker_lost')
    AND j.failed_at <= now() - make_interval(secs => $1)
    AND j.failed_at <= now() - least((j.failed_at - j.created_at) / 4, make_interval(secs => $2))
    AND j.failed_at - j.created_at < make_interval(secs => $3)
    AND (j.job_type <> $4
         OR NOT EXISTS (SELECT FROM payment_cases k
                        WHERE k.payment_intent_id = j.payload ->> 'payment_intent_id'
                          AND CASE k.status WHEN 'open' THEN k.details ->> 'jobId' IS DISTINCT FROM j.id::text
                                            ELSE coalesce(k.resolved_by, '') <> ALL ($6::text[]) END))
  ORDER BY j.failed_at, j.id
  LIMIT $5
  FOR UPDATE SKIP LOCKED
)
UPDATE job_queue j
SET status = 'pending', scheduled_for = now(), failed_at = NULL, updated_at = now(), max_attempts = j.attempts + $7::integer
FROM due
WHERE j.id = due.id
RETURNING j.id
