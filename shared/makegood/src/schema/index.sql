-- Every index of a table, the one with our name first. Key columns only (indnkeyatts), so that INCLUDE can't mislead; an
-- expression shows as it is printed, which is never a plain name. `indnullsnotdistinct` is read through jsonb because it is missing before PostgreSQL 15.
SELECT class.relname::text AS "name!",
       pg_get_indexdef(index.indexrelid) AS "definition!",
       index.indisunique AS "is_unique!",
       index.indimmediate AS "immediate!",
       index.indisvalid AND index.indisready AND index.indislive AS "usable!",
       NOT coalesce((to_jsonb(index) ->> 'indnullsnotdistinct')::boolean, false) AS "distinct_nulls!",
       pg_get_expr(index.indpred, index.indrelid) AS predicate,
       ARRAY(SELECT coalesce(attribute.attname::text, pg_get_indexdef(index.indexrelid, key.position::integer, true))
             FROM unnest(index.indkey::int2[]) WITH ORDINALITY AS key(attnum, position)
             LEFT JOIN pg_attribute attribute ON attribute.attrelid = index.indrelid AND attribute.attnum = key.attnum
                                             AND key.attnum > 0
             WHERE key.position <= index.indnkeyatts
             ORDER BY key.position) AS "columns!: Vec<Option<String>>"
FROM pg_index index
JOIN pg_class class ON class.oid = index.indexrelid
WHERE index.indrelid = to_regclass($1::text)
ORDER BY class.relname = $2::text DESC, class.relname
