-- Dead letters ($1) lose their bodies and the reasons, which may quote them. One that is parked is discarded with it where that was
-- asked for ($2), and one that somebody is sending is left alone.
WITH held AS MATERIALIZED (
  SELECT d.id FROM dead_letters d
  WHERE d.id = ANY($1) AND (d.status <> 'parked' OR $2 AND (d.claimed_until IS NULL OR d.claimed_until < now()))
    AND (d.status = 'parked' OR d.raw IS NOT NULL OR d.document IS NOT NULL OR NOT starts_with(d.failure_reason, 'erased'))
  ORDER BY d.id FOR UPDATE
)
UPDATE dead_letters d
SET raw = NULL, document = NULL, failure_reason = 'erased: ' || coalesce(d.error_code, 'it had no code'), claimed_until = NULL,
    discarded_at = CASE d.status WHEN 'parked' THEN now() ELSE d.discarded_at END,
    status = CASE d.status WHEN 'parked' THEN 'discarded' ELSE d.status END
FROM held h WHERE d.id = h.id
