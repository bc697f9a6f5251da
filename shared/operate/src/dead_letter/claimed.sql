SELECT count(*) AS "dead_letters!", max(d.claimed_until) AS until
FROM dead_letters d
WHERE d.status = 'parked' AND d.claimed_until > now()
  AND ($1::text IS NULL OR d.source = $1) AND ($2::text IS NULL OR coalesce(d.function_name, '-') = $2)
  AND ($3::text IS NULL OR coalesce(d.error_code, '-') = $3) AND ($4::text IS NULL OR d.event_type = $4)
  AND ($5::uuid IS NULL OR d.correlation_id = $5) AND d.parked_at >= $6 AND d.parked_at < $7
  AND ($8::text IS NULL OR coalesce(d.event_id, '-') = $8)
