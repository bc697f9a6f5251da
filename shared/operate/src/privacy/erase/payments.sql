-- Payments ($1) keep amounts, states, ids and of their metadata what says what was bought ($2). Metadata may be JSON text inside the
-- column. One that is begun is left alone.
WITH held AS MATERIALIZED (
  SELECT y.id,
         CASE jsonb_typeof(makegood_object(y.metadata))
           WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k.key, k.value), '{}') FROM jsonb_each(makegood_object(y.metadata)) k
                               WHERE k.key = ANY($2::text[]))
           WHEN 'string' THEN jsonb_strip_nulls(jsonb_build_object(
             'courseId', substring(y.metadata #>> '{}' FROM '"courseId"\s*:\s*"([0-9a-fA-F-]{36})"')))
         END AS kept
  FROM payments y WHERE y.id = ANY($1) AND y.status NOT IN ('initiated', 'processing')
  ORDER BY y.id FOR UPDATE
)
UPDATE payments y SET description = NULL, payment_url = NULL, metadata = h.kept
FROM held h
WHERE y.id = h.id AND (y.description IS NOT NULL OR y.payment_url IS NOT NULL OR y.metadata IS DISTINCT FROM h.kept)
