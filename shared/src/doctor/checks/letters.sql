-- G8: dead letters that wait for a person.
WITH broken AS (
  SELECT 'letter-parked' AS code, d.id, d.parked_at AS at FROM dead_letters d WHERE d.status = 'parked'
)
SELECT code AS "code!", count(*) AS "count!", (array_agg(id::text ORDER BY at, id))[1:20] AS "examples!: Vec<String>",
       min(at) AS oldest_at
FROM broken GROUP BY code
