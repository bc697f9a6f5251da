-- Purchases ($1) keep of their metadata what says what was bought ($2).
WITH held AS MATERIALIZED (
  SELECT p.id,
         CASE jsonb_typeof(makegood_object(p.metadata))
           WHEN 'object' THEN (SELECT coalesce(jsonb_object_agg(k.key, k.value), '{}') FROM jsonb_each(makegood_object(p.metadata)) k
                               WHERE k.key = ANY($2::text[]))
         END AS kept
  FROM student_course_purchases p WHERE p.id = ANY($1)
  ORDER BY p.id FOR UPDATE
)
UPDATE student_course_purchases p SET metadata = h.kept FROM held h WHERE p.id = h.id AND p.metadata IS DISTINCT FROM h.kept
