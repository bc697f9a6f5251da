-- A page of reservations that ended by $1, in the order of the index, after ($2, $3). What is before is not read again: the page
-- costs what it holds, however many end at once.
SELECT id, payment_intent_id, variant_id, expires_at
FROM inventory_reservations
WHERE status = 'active' AND expires_at <= $1 AND (expires_at, id) > ($2, $3)
ORDER BY expires_at, id
LIMIT $4
