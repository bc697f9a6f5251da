-- What in the catalogue is other than our SQL relies on; client_requests is unlogged on purpose. $1 tables, $2 columns, $3 types: what a migrated empty database has.
WITH wanted AS MATERIALIZED (
  SELECT w.tab, w.col, w.typ FROM unnest($1::text[], $2::text[], $3::text[]) w (tab, col, typ)
), named AS MATERIALIZED (
  SELECT DISTINCT w.tab, to_regclass(quote_ident(w.tab)) AS oid FROM wanted w
), there AS MATERIALIZED (
  SELECT n.tab, c.oid, c.relkind::text AS kind, c.relpersistence::text AS persistence FROM named n JOIN pg_class c ON c.oid = n.oid
), columns AS MATERIALIZED (
  SELECT t.tab, a.attname::text AS col, format_type(a.atttypid, NULL) AS typ, a.attnotnull AS not_null,
         a.atthasdef OR a.attidentity <> '' OR a.attgenerated <> '' AS has_default
  FROM there t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
), typed AS (
  SELECT w.tab, w.col, w.typ AS wanted, c.typ AS found FROM wanted w JOIN columns c ON c.tab = w.tab AND c.col = w.col WHERE c.typ <> w.typ
), found (code, at, detail, cure) AS (
  SELECT 'table-missing', n.tab, NULL, NULL FROM named n WHERE n.oid IS NULL
  UNION ALL
  SELECT 'column-missing', w.tab || '.' || w.col, NULL, NULL
  FROM wanted w JOIN there t ON t.tab = w.tab LEFT JOIN columns c ON c.tab = w.tab AND c.col = w.col WHERE c.col IS NULL
  UNION ALL
  SELECT 'row-security', t.tab, current_user::text, format('ALTER ROLE %I BYPASSRLS', current_user)
  FROM there t WHERE row_security_active(t.oid)
  UNION ALL
  SELECT 'not-readable', t.tab, current_user::text, format('GRANT SELECT ON %I TO %I', t.tab, current_user)
  FROM there t WHERE NOT has_table_privilege(t.oid, 'SELECT')
  UNION ALL
  SELECT 'table-shadowed', n.tab, string_agg(s.nspname, ', ' ORDER BY array_position(current_schemas(false), s.nspname)),
         format('ALTER ROLE %I SET search_path = %I', current_user,
                (SELECT r.nspname FROM there t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace r ON r.oid = c.relnamespace
                 WHERE t.tab = 'payments'))
  FROM named n JOIN pg_class c ON c.relname = n.tab AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
  JOIN pg_namespace s ON s.oid = c.relnamespace AND s.nspname = ANY (current_schemas(false))
  GROUP BY n.tab HAVING count(*) > 1
  UNION ALL
  SELECT 'time-without-zone', d.tab || '.' || d.col, d.found,
         format('ALTER TABLE %I ALTER COLUMN %I TYPE timestamptz USING %2$I AT TIME ZONE ''UTC''', d.tab, d.col)
  FROM typed d WHERE d.wanted = 'timestamp with time zone' AND d.found = 'timestamp without time zone'
  UNION ALL
  SELECT 'json-not-jsonb', d.tab || '.' || d.col, d.found, format('ALTER TABLE %I ALTER COLUMN %I TYPE jsonb', d.tab, d.col)
  FROM typed d WHERE d.wanted = 'jsonb' AND d.found <> 'jsonb'
  UNION ALL
  SELECT 'id-not-uuid', d.tab || '.' || d.col, d.found, format('ALTER TABLE %I ALTER COLUMN %I TYPE uuid USING %2$I::uuid', d.tab, d.col)
  FROM typed d WHERE d.wanted = 'uuid' AND d.found <> 'uuid'
  UNION ALL
  SELECT 'number-too-narrow', d.tab || '.' || d.col, d.found, format('ALTER TABLE %I ALTER COLUMN %I TYPE bigint', d.tab, d.col)
  FROM typed d WHERE d.wanted = 'bigint' AND d.found IN ('integer', 'smallint')
  UNION ALL
  SELECT 'not-a-table', t.tab, CASE t.kind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table' ELSE t.kind END, NULL
  FROM there t WHERE t.kind NOT IN ('r', 'p')
  UNION ALL
  SELECT CASE WHEN t.tab IN ('payments', 'student_course_purchases', 'processed_events', 'tutoring_sessions')
                   -- Its rows are written by their id, which must be unique by itself.
                   OR t.tab = 'trainer_allocations'
                      AND EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'id'
                                  WHERE i.indrelid = t.oid AND i.indisunique AND i.indisvalid AND i.indpred IS NULL
                                    AND i.indkey::text = a.attnum::text)
              THEN 'partitions-without-unique' ELSE 'table-partitioned' END,
         t.tab, pg_get_partkeydef(t.oid), NULL FROM there t WHERE t.kind = 'p'
  UNION ALL
  SELECT 'table-unlogged', t.tab, NULL, format('ALTER TABLE %I SET LOGGED', t.tab) FROM there t WHERE t.persistence = 'u' AND t.tab <> 'client_requests'
  UNION ALL
  SELECT 'column-without-default', c.tab || '.' || c.col, c.typ, format('ALTER TABLE %I ALTER COLUMN %I DROP NOT NULL', c.tab, c.col)
  FROM columns c LEFT JOIN wanted w ON w.tab = c.tab AND w.col = c.col
  WHERE w.col IS NULL AND c.not_null AND NOT c.has_default
  UNION ALL
  SELECT 'trigger', t.tab, g.tgname::text, format('ALTER TABLE %I DISABLE TRIGGER %I', t.tab, g.tgname)
  FROM there t JOIN pg_trigger g ON g.tgrelid = t.oid AND NOT g.tgisinternal AND g.tgenabled <> 'D'
  UNION ALL
  SELECT 'rule', t.tab, r.rulename::text, format('DROP RULE %I ON %I', r.rulename, t.tab)
  FROM there t JOIN pg_rewrite r ON r.ev_class = t.oid AND r.rulename <> '_RETURN' AND r.ev_enabled <> 'D'
  UNION ALL
  SELECT 'read-only', current_database()::text, CASE WHEN pg_is_in_recovery() THEN 'a replica' ELSE 'default_transaction_read_only' END, NULL
  WHERE pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on'
  UNION ALL
  SELECT 'encoding', d.datname::text, pg_encoding_to_char(d.encoding)::text, NULL
  FROM pg_database d WHERE d.datname = current_database() AND pg_encoding_to_char(d.encoding) <> 'UTF8'
  UNION ALL
  SELECT 'collation-changed', d.datname::text, d.datcollversion || ' then, ' || pg_database_collation_actual_version(d.oid) || ' now',
         format('REINDEX DATABASE %I; ALTER DATABASE %1$I REFRESH COLLATION VERSION', d.datname)
  FROM pg_database d
  WHERE d.datname = current_database() AND d.datcollversion <> pg_database_collation_actual_version(d.oid)
)
SELECT code AS "code!", at AS "at!", detail, cure FROM found ORDER BY 1, 2, 3
