-- What is here of these payments of the shop's provider $1 ($2: its transaction ids), for each that was begun here: what the gateway verified
-- counts, and what was asked for where nothing is verified. Costs what it is asked about.
SELECT i.external_transaction_id AS "entry_id!", i.payment_intent_id AS "subject!", coalesce(v.amount_verified, i.amount_cents) AS "amount_minor!",
       i.currency AS "currency!",
       CASE WHEN i.given_back_at IS NOT NULL THEN 'refunded' WHEN v.status = 'success' THEN 'succeeded' ELSE i.status END AS "status!",
       coalesce((SELECT sum(r.amount_minor) FROM refunds r
                 WHERE r.payment_intent_id = i.payment_intent_id AND r.status = 'processed'), 0)::bigint AS "returned_minor!",
       false AS "is_disputed!"
FROM payment_intents i
LEFT JOIN payment_gateway_verifications v ON v.provider = i.provider AND v.external_transaction_id = i.external_transaction_id
WHERE i.provider = $1 AND i.external_transaction_id = ANY ($2::text[])
