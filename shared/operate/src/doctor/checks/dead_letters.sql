-- G8: dead letters that wait for a person, and those whose replay was begun and never ended. $1 is now, $2 how many seconds a
-- claim may be over.
WITH broken AS (
  SELECT CASE WHEN d.claimed_until < $1::timestamptz - make_interval(secs => $2) THEN 'letter-replay-unfinished'
              ELSE 'letter-parked' END AS code, d.id, d.parked_at AS at
  FROM dead_letters d WHERE d.status = 'parked'
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) FILTER (WHERE isfinite(at)) AS oldest_at
FROM broken GROUP BY code
