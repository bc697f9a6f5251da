-- Cases ($1) keep kind, subject, amount, state and who resolved them, and of their details ids and codes ($2): enough to decide one that
-- is open.
WITH held AS MATERIALIZED (
  SELECT k.id, (SELECT coalesce(jsonb_object_agg(d.key, d.value), '{}')
                FROM jsonb_each(CASE jsonb_typeof(k.details) WHEN 'object' THEN k.details ELSE '{}' END) d
                WHERE d.key = ANY($2::text[])) AS kept
  FROM payment_cases k WHERE k.id = ANY($1)
  ORDER BY k.id FOR UPDATE
)
UPDATE payment_cases k SET details = h.kept, note = CASE WHEN k.note IS NOT NULL THEN 'erased' END
FROM held h WHERE k.id = h.id AND (k.details <> h.kept OR k.note <> 'erased')
