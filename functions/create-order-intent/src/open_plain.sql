-- Where the buyer pays the intent $1 ($2 what the gateway knows it by, $3 its link, $4 until when, $5 now, $6 the form's fields),
-- and until when its prices hold ($7), with the end of its reservations, in one statement that commits by itself.
--
-- It waits for nobody, and so needs no limit for that: where somebody holds the intent's row, or a reservation that is to last
-- longer or shorter, nothing is changed, and the transaction says what follows. Those that end as said already are left alone.
-- The snapshot is older than the locks; a row that was changed in between is read again.
WITH unopened AS MATERIALIZED (
  SELECT i.payment_intent_id FROM payment_intents i
  WHERE i.payment_intent_id = $1 AND i.status = 'pending' AND i.gateway_payment_url IS NULL
  FOR NO KEY UPDATE OF i SKIP LOCKED
), other AS MATERIALIZED (
  SELECT r.id FROM unopened u JOIN inventory_reservations r ON r.payment_intent_id = u.payment_intent_id
  WHERE r.status = 'active' AND r.expires_at <> $4
), held AS MATERIALIZED (
  SELECT r.id FROM other o JOIN inventory_reservations r ON r.id = o.id
  WHERE r.status = 'active'
  FOR NO KEY UPDATE OF r SKIP LOCKED
), plain AS MATERIALIZED (
  SELECT u.payment_intent_id FROM unopened u WHERE (SELECT count(*) FROM other) = (SELECT count(*) FROM held)
), extended AS (
  UPDATE inventory_reservations r SET expires_at = $4, updated_at = now()
  FROM held h, plain p
  WHERE r.id = h.id
)
UPDATE payment_intents i
SET external_transaction_id = $2, gateway_payment_url = $3, expires_at = $4, price_until = $7, updated_at = $5,
    metadata = coalesce(i.metadata, '{}') || $6
FROM plain p
WHERE i.payment_intent_id = p.payment_intent_id
