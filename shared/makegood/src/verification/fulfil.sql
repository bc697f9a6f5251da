-- What follows from a payment that its gateway calls paid, as most are, in one statement with one commit: the final word
-- ($2 provider, $3 what it is known by there, $4 amount, $5 the answer, $6 now), the status of the intent ($1), its job ($7 type,
-- $8 payload, $9 priority, $10 key), and the answer ($12) to the question of this number ($11), for those who wait for it.
--
-- Nothing is changed where somebody holds the intent's row, a final word is recorded, or a refund is known: then the transaction
-- says what follows. So this waits for nobody, and needs no limit for that. The snapshot is older than the lock; what was
-- committed in between is met all the same: a row of the intent that changed is read again, so that one that is given back is
-- seen, and a final word or a job of another meets its unique index. A refund of a part leaves no mark on the intent, and changes
-- nothing here: it has settled itself (docs/decisions/0075).
WITH locked AS MATERIALIZED (
  SELECT i.payment_intent_id FROM payment_intents i
  WHERE i.payment_intent_id = $1 AND i.given_back_at IS NULL
    AND NOT EXISTS (SELECT FROM refunds f WHERE f.payment_intent_id = $1)
    AND NOT EXISTS (SELECT FROM payment_gateway_verifications v WHERE v.provider = $2 AND v.external_transaction_id = $3)
  FOR NO KEY UPDATE OF i SKIP LOCKED
), recorded AS (
  INSERT INTO payment_gateway_verifications
    (provider, external_transaction_id, payment_intent_id, status, amount_verified, verification_response, verified_at)
  SELECT $2, $3, l.payment_intent_id, 'success', $4, $5, $6 FROM locked l
  ON CONFLICT (provider, external_transaction_id) DO NOTHING
  RETURNING payment_intent_id
), changed AS (
  -- A paid intent is processing, whatever we had made of it before; one that has its order stays.
  UPDATE payment_intents i
  SET status = CASE WHEN i.status = 'succeeded' THEN i.status ELSE 'processing' END,
      updated_at = CASE WHEN i.status IN ('processing', 'succeeded') THEN i.updated_at ELSE $6 END,
      metadata = CASE WHEN (i.metadata #>> '{gateway,asks}')::integer = $11
                      THEN jsonb_set(i.metadata, '{gateway}', (i.metadata -> 'gateway')
                             || jsonb_build_object('answer', $12::text, 'answered_at', now()))
                      ELSE i.metadata END
  FROM recorded r
  WHERE i.payment_intent_id = r.payment_intent_id
), job AS (
  INSERT INTO job_queue (job_type, payload, priority, idempotency_key, scheduled_for)
  SELECT $7, $8, $9, $10, now() FROM recorded
  ON CONFLICT (idempotency_key) DO NOTHING
  RETURNING id
)
SELECT EXISTS (SELECT FROM recorded) AS "is_recorded!", (SELECT j.id FROM job j) AS "job_id?"
