-- Allocations ($1) keep of their metadata which purchase they serve and how many sessions ($2).
WITH held AS MATERIALIZED (
  SELECT a.id,
         CASE jsonb_typeof(makegood_object(a.metadata))
           WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k.key, k.value), '{}') FROM jsonb_each(makegood_object(a.metadata)) k
                               WHERE k.key = ANY($2::text[]))
         END AS kept
  FROM trainer_allocations a WHERE a.id = ANY($1)
  ORDER BY a.id FOR UPDATE
)
UPDATE trainer_allocations a SET notes = NULL, rejection_reason = NULL, metadata = h.kept
FROM held h
WHERE a.id = h.id AND (a.notes IS NOT NULL OR a.rejection_reason IS NOT NULL OR a.metadata IS DISTINCT FROM h.kept)
