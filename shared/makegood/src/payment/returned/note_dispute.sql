-- Writes a dispute, or moves it forward. What is over stays over, lost before won before closed; among what is not, the newest message
-- counts. A repeat changes nothing.
INSERT INTO disputes AS d (provider, provider_dispute_id, provider_payment_id, amount_minor, currency, status, phase, reason, respond_by,
                           told_at, created_at, updated_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)
ON CONFLICT (provider, provider_dispute_id) DO UPDATE
SET status = excluded.status, phase = excluded.phase, reason = excluded.reason, respond_by = excluded.respond_by,
    amount_minor = excluded.amount_minor, told_at = excluded.told_at, updated_at = excluded.updated_at
WHERE (coalesce(array_position('{closed,won,lost}', excluded.status), 0), excluded.told_at,
       array_position('{open,under_review,action_required,closed,won,lost}', excluded.status))
    > (coalesce(array_position('{closed,won,lost}', d.status), 0), d.told_at,
       array_position('{open,under_review,action_required,closed,won,lost}', d.status))
