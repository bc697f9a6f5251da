-- The few jobs of one intent, by the index on its id in the payload.
SELECT j.id AS "id!", j.job_type AS "job_type!", j.status AS "status!: JobStatus", j.payload AS "payload!", j.priority AS "priority!",
       j.attempts AS "attempts!", j.max_attempts AS "max_attempts!", j.idempotency_key, j.locked_by, j.locked_until,
       least(j.scheduled_for, '9999-12-31') AS "scheduled_for!", j.last_error, j.created_at AS "created_at!", j.updated_at AS "updated_at!",
       j.completed_at, j.failed_at
FROM job_queue j
WHERE j.payload ->> 'payment_intent_id' = $1 AND j.status = ANY($2::text[]) AND ($3::text IS NULL OR j.job_type = $3)
  AND (j.created_at, j.id) < ($4, $5)
ORDER BY j.created_at DESC, j.id DESC LIMIT $6
