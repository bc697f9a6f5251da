-- What providers say since $1, by day in the zone $2, provider, kind, currency and outcome; the newest day first.
SELECT (e.occurred_at AT TIME ZONE $2)::date AS "day!", e.provider, e.kind, e.currency, e.outcome, count(*) AS "entries!",
       sum(e.amount_cents)::bigint AS "amount_minor!", coalesce(sum(e.fee_cents), 0)::bigint AS "fee_minor!",
       coalesce(sum(e.net_cents), 0)::bigint AS "net_minor!"
FROM statement_entries e
WHERE e.occurred_at >= $1
GROUP BY 1, 2, 3, 4, 5
ORDER BY 1 DESC, 2, 3, 4, 5
LIMIT 1000
