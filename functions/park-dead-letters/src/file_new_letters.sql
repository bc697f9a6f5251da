-- One statement a batch. A message that is filed already, also earlier in the same batch, changes nothing: its row may
-- have been replayed or discarded since. Ordered by the key, so that two batches with the same messages can't deadlock.
INSERT INTO dead_letters (source, message_id, function_name, event_type, event_id, correlation_id, failure_reason,
                          error_code, permanent, attempts, raw, document, parked_at)
SELECT l.source, l.message_id, l.function_name, l.event_type, l.event_id, l.correlation_id, l.failure_reason,
       l.error_code, l.permanent, l.attempts, l.raw, l.document, l.parked_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::uuid[], $7::text[], $8::text[], $9::boolean[],
            $10::integer[], $11::text[], $12::jsonb[], $13::timestamptz[])
     AS l (source, message_id, function_name, event_type, event_id, correlation_id, failure_reason, error_code, permanent,
           attempts, raw, document, parked_at)
ORDER BY l.source, l.message_id
ON CONFLICT (source, message_id) DO NOTHING
RETURNING error_code
