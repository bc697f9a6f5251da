-- Runnable jobs that nobody took for $1 seconds: of each priority those that are due the longest. Each priority is found by one
-- look at the index, so that jobs which are not due yet cost nothing.
WITH RECURSIVE priorities AS (
  (SELECT priority FROM job_queue WHERE status = 'pending' ORDER BY priority LIMIT 1)
  UNION ALL
  SELECT (SELECT j.priority FROM job_queue j
          WHERE j.status = 'pending' AND j.priority > p.priority ORDER BY j.priority LIMIT 1)
  FROM priorities p WHERE p.priority IS NOT NULL
)
SELECT untaken.id AS "id!"
FROM priorities p
CROSS JOIN LATERAL (
  SELECT j.id, j.priority, j.scheduled_for FROM job_queue j
  WHERE j.status = 'pending' AND j.priority = p.priority AND j.scheduled_for <= now() - make_interval(secs => $1)
  ORDER BY j.scheduled_for LIMIT $2) untaken
ORDER BY untaken.priority, untaken.scheduled_for LIMIT $2
