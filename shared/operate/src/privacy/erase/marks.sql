-- Marks of processed events ($1) keep ids and amounts ($2); whose they were becomes the pseudonym ($3).
WITH held AS MATERIALIZED (
  SELECT e.event_id,
         CASE jsonb_typeof(e.payload)
           WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k.key, CASE WHEN k.key IN ('studentId', 'userId') THEN to_jsonb($3::text)
                                                                         ELSE k.value END), '{}')
                               FROM jsonb_each(e.payload) k WHERE k.key = ANY($2::text[]))
           ELSE '{}' END AS kept
  FROM processed_events e WHERE e.event_id = ANY($1)
  ORDER BY e.event_id FOR UPDATE
)
UPDATE processed_events e SET payload = h.kept FROM held h WHERE e.event_id = h.event_id AND e.payload <> h.kept
