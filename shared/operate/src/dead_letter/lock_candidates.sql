SELECT d.id, d.source, d.raw, d.document ->> 'rawEncoding' AS raw_encoding,
       coalesce(d.document ? 'originalPartition', false) AS "is_from_kafka!", d.replay_count, d.parked_at
FROM dead_letters d
WHERE d.status = 'parked' AND (d.parked_at, d.id) > ($1, $2)
  AND ($3::text IS NULL OR d.source = $3) AND ($4::text IS NULL OR coalesce(d.function_name, '-') = $4)
  AND ($5::text IS NULL OR coalesce(d.error_code, '-') = $5) AND ($6::text IS NULL OR d.event_type = $6)
  AND ($7::uuid IS NULL OR d.correlation_id = $7) AND d.parked_at >= $8 AND d.parked_at < $9
  AND ($12::text IS NULL OR coalesce(d.event_id, '-') = $12)
  AND (d.claimed_until IS NULL OR d.claimed_until < now()) AND (d.replayed_at IS NULL OR d.replayed_at < $10)
ORDER BY d.parked_at, d.id LIMIT $11 FOR UPDATE SKIP LOCKED
