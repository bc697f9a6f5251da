-- The few dead letters of one payment.
SELECT d.id AS "id!", d.source AS "source!", d.function_name, d.event_type, d.event_id, d.correlation_id,
       d.failure_reason AS "failure_reason!", d.error_code, d.permanent AS "permanent!", d.attempts AS "attempts!",
       d.status AS "status!: DeadLetterStatus", d.replay_count AS "replay_count!", d.parked_at AS "parked_at!", d.replayed_at,
       d.claimed_until
FROM dead_letters d
WHERE d.correlation_id = $11 AND d.status = ANY($1::text[]) AND (d.parked_at, d.id) < ($2, $3)
  AND ($4::text IS NULL OR d.source = $4) AND ($5::text IS NULL OR coalesce(d.function_name, '-') = $5)
  AND ($6::text IS NULL OR coalesce(d.error_code, '-') = $6) AND ($7::text IS NULL OR d.event_type = $7)
  AND d.parked_at >= $8 AND d.parked_at < $9 AND ($12::text IS NULL OR coalesce(d.event_id, '-') = $12)
ORDER BY d.parked_at DESC, d.id DESC LIMIT $10
