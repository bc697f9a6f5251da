-- Which of these constraints ($1 tables, $2 names) are absent or were never validated.
SELECT w.table_name || '.' || w.name AS "constraint!"
FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (table_name, name, position)
WHERE NOT EXISTS (SELECT FROM pg_constraint c
                  WHERE c.conrelid = to_regclass(w.table_name) AND c.conname = w.name AND c.convalidated)
ORDER BY w.position
