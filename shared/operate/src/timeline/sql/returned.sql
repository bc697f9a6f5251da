-- The refunds and disputes of a payment ($1) or an intent ($2).
SELECT f.is_dispute AS "is_dispute!", f.provider_id AS "provider_id!", f.amount_minor AS "amount_minor!", f.currency AS "currency!",
       f.status AS "status!", f.respond_by, f.told_at AS "told_at!"
FROM (SELECT false AS is_dispute, provider_refund_id AS provider_id, amount_minor, currency, status, NULL::timestamptz AS respond_by, told_at
      FROM refunds WHERE payment_id = $1 OR payment_intent_id = $2
      UNION ALL
      SELECT true, provider_dispute_id, amount_minor, currency, status, respond_by, told_at
      FROM disputes WHERE payment_id = $1 OR payment_intent_id = $2) f
ORDER BY f.told_at, f.provider_id LIMIT $3
