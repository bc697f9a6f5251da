-- Opens a case ($1 kind, $2 subject), or opens it again where it was resolved and does not answer any more: by a program ($8 are their
-- names), which said that all would be well; or by a person before the money came. Who works on it, and its notes, stay. A case that names
-- no currency has that of its payment, or of its intent.
INSERT INTO payment_cases AS k (id, kind, subject, payment_id, payment_intent_id, amount_cents, currency, details)
VALUES (gen_random_uuid(), $1, $2, $3, $4, $5,
        coalesce($6, (SELECT y.currency FROM payments y WHERE y.id = $3),
                 (SELECT i.currency FROM payment_intents i WHERE i.payment_intent_id = $4)), $7)
ON CONFLICT (kind, subject) DO UPDATE
SET status = 'open', opened_at = now(), resolved_at = NULL, resolved_by = NULL, note = NULL,
    payment_id = coalesce(excluded.payment_id, k.payment_id),
    payment_intent_id = coalesce(excluded.payment_intent_id, k.payment_intent_id),
    amount_cents = coalesce(excluded.amount_cents, k.amount_cents), currency = coalesce(excluded.currency, k.currency),
    details = excluded.details
              || jsonb_strip_nulls(jsonb_build_object('assignee', k.details -> 'assignee', 'notes', k.details -> 'notes'))
WHERE k.status = 'resolved'
  AND (coalesce(k.resolved_by, '') = ANY ($8::text[])
       OR EXISTS (SELECT FROM payments y
                  WHERE y.id = excluded.payment_id AND y.status = 'succeeded'
                    AND COALESCE(y.confirmed_at, y.created_at) > k.resolved_at)
       OR EXISTS (SELECT FROM payment_gateway_verifications v
                  WHERE v.payment_intent_id = excluded.payment_intent_id AND v.status = 'success' AND v.verified_at > k.resolved_at))
