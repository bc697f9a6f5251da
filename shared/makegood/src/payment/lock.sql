-- Transaction-scoped: nobody else decides about the same payment until this transaction ends, whatever indexes there are.
-- In the order of the keys, so that two requests that share more than one can't deadlock.
SELECT pg_advisory_xact_lock(k.key)
FROM (SELECT DISTINCT hashtextextended(name, 0) AS key FROM unnest($1::text[]) AS n (name) ORDER BY 1) AS k
