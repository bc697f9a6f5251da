-- Entries that differ from what is here, and that neither an open case nor a person's word answers for ($1 are the programs that resolve
-- cases), the oldest first.
SELECT e.provider, e.kind, e.entry_id, e.pays, e.amount_cents AS amount_minor, e.currency, e.fee_cents AS fee_minor, e.tax_cents AS tax_minor,
       e.net_cents AS net_minor, e.returned_cents AS returned_minor, e.state, e.outcome, e.subject, e.acted, e.settlement_id, e.occurred_at,
       e.first_seen_at, e.seen_at
FROM statement_entries e
WHERE e.outcome IN ('ours_only', 'theirs_only', 'amount_differs', 'refunded_there_only', 'refunded_here_only')
  AND NOT EXISTS (SELECT FROM payment_cases k
                  WHERE (k.subject IN (e.entry_id, e.pays) OR k.payment_intent_id = e.subject
                         OR k.payment_id = CASE WHEN e.subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN e.subject::uuid END)
                    AND (k.status = 'open' OR coalesce(k.resolved_by, '') <> ALL ($1::text[])) OFFSET 0)
ORDER BY e.first_seen_at, e.entry_id
LIMIT 200
