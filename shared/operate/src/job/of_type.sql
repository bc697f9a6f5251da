-- One walk along (job_type, status, created_at, id) for each wanted status; each gives at most a page.
SELECT j.id AS "id!", j.job_type AS "job_type!", j.status AS "status!: JobStatus", j.payload AS "payload!", j.priority AS "priority!",
       j.attempts AS "attempts!", j.max_attempts AS "max_attempts!", j.idempotency_key, j.locked_by, j.locked_until,
       least(j.scheduled_for, '9999-12-31') AS "scheduled_for!", j.last_error, j.created_at AS "created_at!", j.updated_at AS "updated_at!",
       j.completed_at, j.failed_at
FROM unnest($2::text[]) AS wanted (status)
CROSS JOIN LATERAL (
  SELECT * FROM job_queue q
  WHERE q.job_type = $1 AND q.status = wanted.status AND (q.created_at, q.id) < ($3, $4)
  ORDER BY q.created_at DESC, q.id DESC LIMIT $5) j
ORDER BY j.created_at DESC, j.id DESC LIMIT $5
