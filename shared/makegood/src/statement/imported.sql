-- Payments of the provider $1 that a file told of and that are not settled with what is here: the next $3 by id after $2. Those that a case
-- answers for are left.
SELECT e.entry_id, e.pays, e.amount_cents AS amount_minor, e.currency, e.fee_cents AS fee_minor, e.tax_cents AS tax_minor,
       e.returned_cents AS returned_minor, e.state, e.occurred_at
FROM statement_entries e
WHERE e.provider = $1 AND e.kind = 'payment' AND e.state = 'moved' AND e.outcome IN ('theirs_only', 'too_young') AND e.entry_id > $2
  AND NOT EXISTS (SELECT FROM payment_cases k WHERE k.status = 'open' AND (k.subject = e.entry_id OR k.payment_intent_id = e.subject))
ORDER BY e.entry_id
LIMIT $3
