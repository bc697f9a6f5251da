-- The newest dead letters of these statuses ($1) in a range of time ($2, $3), $4 at most, by what they failed with: the $5 largest groups.
WITH looked AS MATERIALIZED (
  SELECT l.id, l.function_name, l.error_code, l.event_id, l.parked_at
  FROM unnest($1::text[]) AS wanted (status)
  CROSS JOIN LATERAL (
    SELECT * FROM dead_letters d
    WHERE d.status = wanted.status AND d.parked_at >= $2 AND d.parked_at < $3
    ORDER BY d.parked_at DESC, d.id DESC LIMIT $4) l
  ORDER BY l.parked_at DESC, l.id DESC LIMIT $4
), grouped AS MATERIALIZED (
  SELECT function_name, error_code, count(*) AS dead_letters, count(DISTINCT event_id) AS events, min(parked_at) AS first_parked_at,
         max(parked_at) AS last_parked_at, (array_agg(id ORDER BY parked_at DESC, id DESC))[1] AS example
  FROM looked GROUP BY function_name, error_code
), largest AS MATERIALIZED (
  SELECT * FROM grouped ORDER BY dead_letters DESC, last_parked_at DESC, example LIMIT $5
)
SELECT g.function_name, g.error_code, g.dead_letters AS "dead_letters!", g.events AS "events!", g.first_parked_at AS "first_parked_at!",
       g.last_parked_at AS "last_parked_at!", g.example AS "example!",
       (SELECT d.failure_reason FROM dead_letters d WHERE d.id = g.example) AS "failure_reason!",
       (SELECT count(*) FROM grouped) AS "groups!", (SELECT count(*) FROM looked) AS "looked_at!"
FROM largest g ORDER BY g.dead_letters DESC, g.last_parked_at DESC, g.example
