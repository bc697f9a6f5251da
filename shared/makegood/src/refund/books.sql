-- What was paid for an intent ($1), and what of it went back. Refunds in another currency than the intent's say nothing about it.
SELECT i.provider, i.external_transaction_id, i.currency, coalesce(v.amount_verified, i.amount_cents) AS "paid_minor!",
       coalesce(v.is_paid, false) AS "is_paid!", r.refunded_minor AS "refunded_minor!", r.told_minor AS "told_minor!",
       i.given_back_at, r.last_refund AS "last_refund?"
FROM payment_intents i
LEFT JOIN LATERAL (SELECT max(v.amount_verified) AS amount_verified, bool_or(v.status = 'success') AS is_paid
                   FROM payment_gateway_verifications v
                   WHERE v.payment_intent_id = i.payment_intent_id AND v.status IN ('success', 'amount_mismatch')) v ON true
LEFT JOIN LATERAL (SELECT coalesce(sum(r.amount_minor), 0)::bigint AS refunded_minor, coalesce(max(r.payment_refunded_minor), 0) AS told_minor,
                          (array_agg(r.id ORDER BY r.created_at DESC, r.id DESC))[1] AS last_refund
                   FROM refunds r
                   WHERE r.payment_intent_id = i.payment_intent_id AND r.status = 'processed' AND r.currency = i.currency) r ON true
WHERE i.payment_intent_id = $1
