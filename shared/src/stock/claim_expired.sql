-- Intents that are not paid and whose reservations ended, skipping those that somebody is working on. A payment that is
-- verified meanwhile changes the row itself, and its condition is looked at again under the lock.
SELECT p.payment_intent_id
FROM payment_intents p
WHERE p.status NOT IN ('succeeded', 'processing')
  AND p.payment_intent_id IN (
    SELECT r.payment_intent_id FROM inventory_reservations r WHERE r.status = 'active' AND r.expires_at <= $1)
  AND NOT EXISTS (
    SELECT FROM payment_gateway_verifications v
    WHERE v.payment_intent_id = p.payment_intent_id AND v.status = 'success')
ORDER BY p.payment_intent_id
LIMIT $2
FOR NO KEY UPDATE OF p SKIP LOCKED
