-- Jobs ($1) that are done keep which intent they were about ($2).
WITH held AS MATERIALIZED (
  SELECT j.id,
         CASE jsonb_typeof(j.payload)
           WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k.key, k.value), '{}') FROM jsonb_each(j.payload) k
                               WHERE k.key = ANY($2::text[]))
           ELSE '{}' END AS kept
  FROM job_queue j WHERE j.id = ANY($1) AND j.status IN ('completed', 'cancelled')
  ORDER BY j.id FOR UPDATE
)
UPDATE job_queue j SET payload = h.kept, last_error = NULL
FROM held h WHERE j.id = h.id AND (j.payload <> h.kept OR j.last_error IS NOT NULL)
