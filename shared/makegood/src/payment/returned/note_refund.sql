-- Writes a refund, or moves it forward: its states in the provider's order ($10), whatever order the messages come in. A repeat changes
-- nothing.
INSERT INTO refunds AS r (provider, provider_refund_id, provider_payment_id, amount_minor, currency, status, payment_refunded_minor,
                          told_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)
ON CONFLICT (provider, provider_refund_id) DO UPDATE
SET status = CASE WHEN array_position($10::text[], excluded.status) > array_position($10::text[], r.status)
                  THEN excluded.status ELSE r.status END,
    payment_refunded_minor = greatest(r.payment_refunded_minor, excluded.payment_refunded_minor),
    told_at = greatest(r.told_at, excluded.told_at), updated_at = excluded.updated_at
WHERE array_position($10::text[], excluded.status) > array_position($10::text[], r.status)
   OR excluded.payment_refunded_minor > coalesce(r.payment_refunded_minor, -1) OR excluded.told_at > r.told_at
