-- What is there of a buyer ($1: the id, and for an erasure the pseudonym too) in the shop.
SELECT ARRAY(SELECT i.payment_intent_id FROM payment_intents i WHERE i.user_id = ANY($1)) AS "intents!: Vec<String>",
       ARRAY(SELECT i.external_transaction_id FROM payment_intents i
             WHERE i.user_id = ANY($1) AND i.external_transaction_id IS NOT NULL) AS "provider_payments!: Vec<String>",
       ARRAY(SELECT o.id FROM orders o WHERE o.user_id = ANY($1)) AS "orders!: Vec<Uuid>",
       ARRAY(SELECT c.id FROM carts c WHERE c.user_id = ANY($1)) AS "carts!: Vec<Uuid>"
