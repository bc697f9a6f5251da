-- Payments that were paid here, with the provider $1, in the order in which they were paid: up to $5 after ($2, $3) and before $4. is_missing:
-- the statement, which was read over that time, does not have it. It is asked for by one row at a time (OFFSET 0), or all entries may be read.
SELECT y.id, coalesce(y.confirmed_at, y.created_at) AS "paid_at!", y.provider_payment_id AS "provider_payment_id!", y.amount_cents AS amount_minor,
       y.currency,
       NOT EXISTS (SELECT FROM statement_entries e
                   WHERE e.provider = $1 AND e.kind = 'payment' AND e.entry_id = y.provider_payment_id AND e.state <> 'missing' OFFSET 0) AS "is_missing!"
FROM payments y
WHERE y.status = 'succeeded' AND y.provider = $1 AND y.provider_payment_id IS NOT NULL
  AND (coalesce(y.confirmed_at, y.created_at), y.id) > ($2::timestamptz, $3::uuid) AND coalesce(y.confirmed_at, y.created_at) < $4::timestamptz
ORDER BY coalesce(y.confirmed_at, y.created_at), y.id
LIMIT $5
