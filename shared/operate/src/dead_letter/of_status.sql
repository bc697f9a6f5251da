-- One walk along (status, parked_at, id) for each wanted status; each gives at most a page.
SELECT d.id AS "id!", d.source AS "source!", d.function_name, d.event_type, d.event_id, d.correlation_id,
       d.failure_reason AS "failure_reason!", d.error_code, d.permanent AS "permanent!", d.attempts AS "attempts!",
       d.status AS "status!: DeadLetterStatus", d.replay_count AS "replay_count!", d.parked_at AS "parked_at!", d.replayed_at,
       d.claimed_until
FROM unnest($1::text[]) AS wanted (status)
CROSS JOIN LATERAL (
  SELECT * FROM dead_letters l
  WHERE l.status = wanted.status AND (l.parked_at, l.id) < ($2, $3)
    AND ($4::text IS NULL OR l.source = $4) AND ($5::text IS NULL OR coalesce(l.function_name, '-') = $5)
    AND ($6::text IS NULL OR coalesce(l.error_code, '-') = $6) AND ($7::text IS NULL OR l.event_type = $7)
    AND l.parked_at >= $8 AND l.parked_at < $9 AND ($11::text IS NULL OR coalesce(l.event_id, '-') = $11)
  ORDER BY l.parked_at DESC, l.id DESC LIMIT $10) d
ORDER BY d.parked_at DESC, d.id DESC LIMIT $10
