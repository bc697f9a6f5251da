-- The last run of each sweep. The names are walked along the index (a loose scan), since a sweep that runs each minute has 20,000 rows.
WITH RECURSIVE names AS (
  (SELECT r.sweep FROM sweep_runs r ORDER BY r.sweep LIMIT 1)
  UNION ALL
  SELECT (SELECT r.sweep FROM sweep_runs r WHERE r.sweep > n.sweep ORDER BY r.sweep LIMIT 1) FROM names n WHERE n.sweep IS NOT NULL
)
SELECT last.id, last.sweep, last.started_at, last.millis, last.done, last.error
FROM names n
CROSS JOIN LATERAL (SELECT r.* FROM sweep_runs r WHERE r.sweep = n.sweep ORDER BY r.id DESC LIMIT 1) last
WHERE n.sweep IS NOT NULL
ORDER BY last.sweep
