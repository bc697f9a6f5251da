-- Settlements of the provider $1 since $2 whose amount is not the sum of what they hold, or which an open case says so of.
SELECT s.entry_id AS settlement_id, s.amount_cents AS amount_minor, s.currency, s.occurred_at,
       h.net AS "held_minor!", h.entries AS "entries!"
FROM statement_entries s
CROSS JOIN LATERAL (SELECT coalesce(sum(e.net_cents), 0)::bigint AS net, count(*) AS entries FROM statement_entries e
                    WHERE e.settlement_id = s.entry_id AND e.kind <> 'settlement') h
WHERE s.provider = $1 AND s.kind = 'settlement' AND s.state = 'moved' AND s.occurred_at >= $2
  AND (h.net <> s.amount_cents
       OR EXISTS (SELECT FROM payment_cases k WHERE k.kind = 'statement_gap' AND k.subject = s.entry_id AND k.status = 'open'))
ORDER BY s.occurred_at, s.entry_id
LIMIT 100
