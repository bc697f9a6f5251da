-- Published events ($1) keep ids and amounts ($2); whose they were becomes the pseudonym ($3). One that is not published yet is left
-- alone.
WITH held AS MATERIALIZED (
  SELECT o.id,
         CASE jsonb_typeof(o.payload)
           WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k.key, CASE WHEN k.key IN ('studentId', 'userId') THEN to_jsonb($3::text)
                                                                         ELSE k.value END), '{}')
                               FROM jsonb_each(o.payload) k WHERE k.key = ANY($2::text[]))
           ELSE '{}' END AS kept
  FROM outbox o WHERE o.id = ANY($1) AND o.published_at IS NOT NULL
  ORDER BY o.id FOR UPDATE
)
UPDATE outbox o SET payload = h.kept, last_error = NULL
FROM held h WHERE o.id = h.id AND (o.payload <> h.kept OR o.last_error IS NOT NULL)
