-- One row when the intent is this buyer's, none otherwise: who does not own it learns nothing, not even that it exists.
SELECT i.status AS intent,
       -- eSewa knows nothing before the buyer sends its form: then nobody has paid, as far as anybody told us.
       coalesce(i.metadata #>> '{gateway,answer}' <> 'not_found', false) AS "asked!",
       o.id AS "order_id?", o.order_number AS "order_number?", o.status AS "order_status?",
       o.created_at AS "order_created_at?",
       (SELECT count(*) FROM order_items l WHERE l.order_id = o.id) AS "items_count!",
       (SELECT v.status FROM payment_gateway_verifications v WHERE v.payment_intent_id = i.payment_intent_id
        ORDER BY v.status = 'success' DESC, v.id DESC LIMIT 1) AS verification,
       (SELECT j.status FROM job_queue j
        WHERE j.idempotency_key = 'payment_' || i.provider || '_' || i.external_transaction_id) AS job,
       EXISTS (SELECT FROM payment_cases c
               WHERE c.payment_intent_id = i.payment_intent_id AND c.status = 'open') AS "case_open!",
       i.given_back_at IS NOT NULL AS "given_back!"
FROM payment_intents i
LEFT JOIN orders o ON o.payment_intent_id = i.payment_intent_id
WHERE i.payment_intent_id = $1 AND i.user_id = $2
