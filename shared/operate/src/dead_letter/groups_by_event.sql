-- The newest dead letters of these statuses ($1) in a range of time ($2, $3), $4 at most, by their event: the $5 largest groups.
WITH looked AS MATERIALIZED (
  SELECT l.id, l.function_name, l.error_code, l.event_id, l.event_type, l.correlation_id, l.parked_at
  FROM unnest($1::text[]) AS wanted (status)
  CROSS JOIN LATERAL (
    SELECT * FROM dead_letters d
    WHERE d.status = wanted.status AND d.parked_at >= $2 AND d.parked_at < $3
    ORDER BY d.parked_at DESC, d.id DESC LIMIT $4) l
  ORDER BY l.parked_at DESC, l.id DESC LIMIT $4
), grouped AS MATERIALIZED (
  SELECT event_id, min(event_type) AS event_type,
         CASE WHEN event_id IS NOT NULL THEN (array_agg(correlation_id ORDER BY parked_at DESC, id DESC))[1] END AS correlation_id,
         count(*) AS dead_letters,
         array_agg(DISTINCT coalesce(function_name, '-') || ': ' || coalesce(error_code, '-')) AS errors,
         min(parked_at) AS first_parked_at, max(parked_at) AS last_parked_at,
         (array_agg(id ORDER BY parked_at DESC, id DESC))[1] AS example
  FROM looked GROUP BY event_id
), largest AS MATERIALIZED (
  SELECT * FROM grouped ORDER BY dead_letters DESC, last_parked_at DESC, example LIMIT $5
)
SELECT g.event_id, g.event_type, g.correlation_id, g.dead_letters AS "dead_letters!", g.errors AS "errors!",
       g.first_parked_at AS "first_parked_at!", g.last_parked_at AS "last_parked_at!", g.example AS "example!",
       (SELECT count(*) FROM grouped) AS "groups!", (SELECT count(*) FROM looked) AS "looked_at!"
FROM largest g ORDER BY g.dead_letters DESC, g.last_parked_at DESC, g.example
