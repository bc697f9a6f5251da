-- One payment as the stage sees it: its intent, the final word if it is recorded, and whose turn it is to ask.
SELECT i.payment_intent_id, i.amount_cents AS amount_minor, i.currency, i.status, i.expires_at,
       v.status AS "recorded?",
       CASE WHEN n.answer IS NULL AND n.asked_at > now() - make_interval(secs => $4) THEN 'asking'
            WHEN n.answer IS NOT NULL AND n.answered_at > now() - make_interval(secs => $3) THEN 'answered'
            ELSE 'free' END AS "turn!",
       n.answer AS "answer?"
FROM payment_intents i
LEFT JOIN payment_gateway_verifications v
  ON v.provider = i.provider AND v.external_transaction_id = i.external_transaction_id
CROSS JOIN LATERAL (
  SELECT (i.metadata #>> '{gateway,asked_at}')::timestamptz AS asked_at,
         (i.metadata #>> '{gateway,answered_at}')::timestamptz AS answered_at,
         i.metadata #>> '{gateway,answer}' AS answer) n
WHERE i.provider = $1 AND i.external_transaction_id = $2
