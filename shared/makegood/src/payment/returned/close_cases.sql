-- Closes the open cases of these kinds ($1) and subjects ($2) that name no amount above $3, with this note ($4), at $5; each has its line
-- in the audit log.
WITH resolved AS (
  UPDATE payment_cases
  SET status = 'resolved', resolved_at = $5, resolved_by = 'receive-payment', note = $4
  WHERE kind = ANY ($1) AND subject = ANY ($2) AND status = 'open' AND coalesce(amount_cents, 0) <= $3
  RETURNING id, kind, note
)
INSERT INTO audit_log (at, actor, action, subject, reason, details)
SELECT $5, 'receive-payment', 'case.resolve', 'case:' || r.id, r.note, jsonb_build_object('kind', r.kind)
FROM resolved r
