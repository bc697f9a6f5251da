-- Tables of which more than a tenth changed since they were counted, or that never were. Small ones are read whole by any plan, and autovacuum
-- has an hour to come by.
SELECT format('%s: %s of %s rows', s.relname, s.n_mod_since_analyze, s.n_live_tup) AS "line!"
FROM pg_stat_user_tables s
WHERE s.schemaname = 'public' AND s.relname = ANY ($1)
  AND s.n_live_tup >= 10000 AND s.n_mod_since_analyze > s.n_live_tup / 10
  AND coalesce(greatest(s.last_analyze, s.last_autoanalyze), '-infinity') < now() - interval '1 hour'
ORDER BY s.n_mod_since_analyze DESC, s.relname
