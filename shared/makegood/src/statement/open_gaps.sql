-- Entries that differ from what is here, and that no open case and no person's word answers for: how many, and since when the oldest is known.
-- Reads the partial index of what is open, and looks for the cases of each.
SELECT count(*) AS "count!", min(e.first_seen_at) AS oldest
FROM statement_entries e
WHERE e.outcome IN ('ours_only', 'theirs_only', 'amount_differs', 'refunded_there_only', 'refunded_here_only')
  AND NOT EXISTS (SELECT FROM payment_cases k
                  WHERE (k.subject IN (e.entry_id, e.pays) OR k.payment_intent_id = e.subject
                         OR k.payment_id = CASE WHEN e.subject ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN e.subject::uuid END)
                    AND (k.status = 'open' OR coalesce(k.resolved_by, '') <> ALL ($1::text[])) OFFSET 0)
