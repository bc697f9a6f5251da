-- Payments of the provider $1 that were too young to judge when they were seen last, before $2: the next $4 by id after $3. Those older than
-- thirty days are left: the provider gives back by itself what it does not take.
SELECT entry_id FROM statement_entries
WHERE provider = $1 AND outcome = 'too_young' AND kind = 'payment' AND seen_at < $2 AND occurred_at > $2::timestamptz - interval '30 days'
  AND entry_id > $3
ORDER BY entry_id
LIMIT $4
