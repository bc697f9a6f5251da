-- What went back of a payment ($1 its id, $2 the provider's) in its currency ($3), and whether anything at all is known of it. Of equal ids
-- of Stripe and of another provider ($4 is the payment's) only its own counts.
SELECT coalesce(sum(amount_minor) FILTER (WHERE fact = 'processed'), 0)::bigint AS "refunded_minor!",
       coalesce(max(told_minor), 0) AS "told_minor!",
       coalesce(sum(amount_minor) FILTER (WHERE fact = 'lost'), 0)::bigint AS "lost_minor!",
       coalesce(bool_or(fact = 'failed'), false) AS "has_failed!",
       bool_or(true) IS NOT NULL AS "is_any!"
FROM (SELECT status AS fact, CASE WHEN currency = $3 THEN amount_minor END AS amount_minor,
             CASE WHEN currency = $3 THEN payment_refunded_minor END AS told_minor
      FROM refunds
      WHERE payment_id = $1
         OR provider_payment_id = $2 AND coalesce((provider = 'stripe') = (lower($4) = 'stripe'), true)
      UNION ALL
      SELECT status, CASE WHEN currency = $3 THEN amount_minor END, NULL
      FROM disputes
      WHERE payment_id = $1
         OR provider_payment_id = $2 AND coalesce((provider = 'stripe') = (lower($4) = 'stripe'), true)) f
