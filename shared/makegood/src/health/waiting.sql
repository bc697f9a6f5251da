-- What waits at $1, by index. Of the payments see unfulfilled.sql.
WITH waiting AS (
  SELECT count(*) AS backlog, min(created_at) AS oldest FROM outbox WHERE published_at IS NULL
)
SELECT waiting.backlog AS "outbox_backlog!",
       greatest(coalesce(extract(epoch FROM $1::timestamptz - waiting.oldest), 0), 0)::bigint AS "outbox_oldest_seconds!",
       (SELECT count(*) FROM dead_letters WHERE status = 'parked') AS "parked!",
       (SELECT count(*) FROM trainer_allocations WHERE status = 'pending') AS "allocations_pending!",
       (SELECT count(*) FROM job_queue WHERE status = 'pending' AND scheduled_for <= $1::timestamptz)
         + (SELECT count(*) FROM job_queue WHERE status = 'processing') AS "jobs_open!",
       (SELECT count(*) FROM payment_cases WHERE status = 'open') AS "cases_open!"
FROM waiting
